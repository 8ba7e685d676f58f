"""Write sample.ids and edge.jsonl with Hugging Face tokenizers 0.22.2; run it in this folder."""
import hashlib, json, pathlib, unicodedata
from tokenizers import Tokenizer

SAMPLE = pathlib.Path("../../sample")
LANGUAGES = "ar ca cs en es et fi hi mr nl ru sk uk ur".split()
# Appended to the sample's added_tokens; check_tokenizer.c builds the same file.
MORE = json.loads(pathlib.Path("more.json").read_text())

spec = json.loads((SAMPLE / "tokenizer.json").read_text())
plain = Tokenizer.from_str(json.dumps(spec))
spec["added_tokens"] += MORE
more = Tokenizer.from_str(json.dumps(spec))
ids = lambda t, s: t.encode(s, add_special_tokens=False).ids

with open("sample.ids", "w") as f:
    for lang in LANGUAGES:
        for n, line in enumerate((SAMPLE / f"parallel/{lang}.txt").read_text().split("\n")[:30]):
            f.write(f"{lang} {n + 1} " + " ".join(map(str, ids(plain, line))) + "\n")

texts = [" " * n for n in range(1, 61)] + ["a" + " " * n + "b" for n in range(1, 31)]
texts += ["\t" * n + "x" for n in (1, 2, 3, 8)] + [" \t \t x", "\t  x", "x\n\n\n  y\n", "\r\n\r\n", "a\u00a0b\u2003 c", "\u3000\u3000 d"]
texts += ["def f(x):\n    if x:\n        return [y for y in x]\n\treturn None\n", "for (i = 0; i < n; i++) {\n\t\tputs(\"it's\");\n}\n"]
words = ["d\u00e9j\u00e0 vu, \u00e7a et l\u00e0", "Ti\u1ebfng Vi\u1ec7t \u0111\u1eb9p l\u1eafm", "\u0928\u093c\u0930\u093c \u0915\u093c\u0932\u092e", "\u09af\u09bc\u09c7 \u09ac\u09be\u0982\u09b2\u09be \u0995\u09cb", "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd \u0bae\u0bca\u0bb4\u0bbf",
         "\u0643\u064e\u062a\u064e\u0628\u064e \u0627\u0644\u0631\u0651\u064e\u062c\u064f\u0644\u064f", "\ud55c\uad6d\uc5b4 \uac01", "\u1100\u1161\u11a8 \uac00\u11a8 \u1161", "\u212b \u2126 \ufb1d \u0958", "a\u0323\u0307 a\u0307\u0323 a\u0315\u0300\u05ae\u0062", "\u0e01\u0e33 \u0e19\u0e49\u0e33", "\u1835\u180e\u1820 \u180e "]
for w in words:
    texts += [w, unicodedata.normalize("NFD", w)]
texts += ["\u0301abc", "e" + "\u0301" * 40 + "\u0323" * 40, "\U0001d15e\U0001d160", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f3f3\ufe0f\u200d\U0001f308", "1234567890 12,5 \u0967\u0968\u0969 \u00b2\u00bd", "!!! ... \u2014\u2014 \u00bf\u00a1", "it's I'm we'll they'd you've IT'S", "\u0000\u0001\u007f\u0085",
          "a<|endoftext|>b", "<|endoftext|> <|padding|><|endoftext|", "<|endoftext|><|endoftext|>  x"]
mixed = ["to |||EMAIL_ADDRESS||| or|||EMAIL_ADDRESS||||||", "a   <left>  b <right>  c", "x<right>   <left>y", "word <word> keyword<word> <word>s <word>", "caf\u00e9! cafe\u0301!", "  <left>", "<right>  "]
with open("edge.jsonl", "w") as f:
    for name, tok, rows in (("sample", plain, texts), ("more", more, mixed + texts[-3:])):
        for s in rows:
            row = {"tokenizer": name, "text": s, "ids": ids(tok, s)}
            tok.encode_special_tokens = True
            row["ordinary"] = ids(tok, s)
            tok.encode_special_tokens = False
            row["decoded"] = tok.decode(row["ids"], skip_special_tokens=True)
            f.write(json.dumps(row) + "\n")
    for piece in ("a", "\u0928", "!", " ", "\u0301", "ab"):
        s = piece * 1000000
        got = ids(plain, s)
        f.write(json.dumps({"tokenizer": "sample", "repeat": piece, "times": 1000000, "n": len(got),
                            "sha256": hashlib.sha256(b"".join(i.to_bytes(4, "little") for i in got)).hexdigest()}) + "\n")

"""Scores of the sample model on the sample data by Hugging Face transformers, as eval/ wants them.

    python make_eval.py SAMPLE OUT

minimal_pairs.csv   language,item,tokens_sen,tokens_wrong,ll_sen,ll_wrong,ll_sen_no_first,ll_wrong_no_first
belebele.csv        language,shots,item,context_tokens,truncated,ll_a,ll_b,ll_c,ll_d,gold
generate.json       prompt, prompt_ids, greedy continuation_ids (to the end of text at most), smallest_gap

The prefix of an empty context is the end of text; *_no_first have none and leave the first token unscored.  Few-shot
examples are the first ones of the file without the item itself.  Inputs are at most 1024 tokens, cut from the left.
"""
import csv, json, pathlib, sys
import torch
from tokenizers import Tokenizer
from transformers import OlmoeForCausalLM

sample, out = map(pathlib.Path, sys.argv[1:3])
tok = Tokenizer.from_file(str(sample / "model/tokenizer.json"))
model = OlmoeForCausalLM.from_pretrained(sample / "model", dtype=torch.float32, attn_implementation="eager").eval()
EOS, LENGTH = model.config.eos_token_id, model.config.max_position_embeddings
encode = lambda s: tok.encode(s, add_special_tokens=False).ids


@torch.no_grad()
def score(ids, first):
    """Sum of log p of ids[first:], and of how many of the last LENGTH + 1 ids."""
    cut = max(0, len(ids) - LENGTH - 1)
    ids, first = ids[cut:], first - cut
    lp = model(input_ids=torch.tensor([ids[:-1]])).logits[0].double().log_softmax(-1)
    return sum(float(lp[i - 1, ids[i]]) for i in range(first, len(ids))), cut


def save(name, header, rows):
    with open(out / name, "w", newline="") as f:
        w = csv.writer(f, lineterminator="\n")
        w.writerow(header)
        w.writerows([[f"{x:.6f}" if isinstance(x, float) else x for x in r] for r in rows])


rows = []
for lang in ("eng", "hin"):
    lines = open(sample / f"minimal_pairs/{lang}.tsv", encoding="utf-8").read().splitlines()[1:9]
    for n, line in enumerate(lines):
        a, b = (encode(s) for s in line.split("\t")[:2])
        rows.append([lang, n, len(a), len(b), score([EOS] + a, 1)[0], score([EOS] + b, 1)[0], score(a, 1)[0], score(b, 1)[0]])
save("minimal_pairs.csv", "language item tokens_sen tokens_wrong ll_sen ll_wrong ll_sen_no_first ll_wrong_no_first".split(), rows)


def prompt(i):
    answers = "\n".join(f"{x}: {i[f'mc_answer{n + 1}']}" for n, x in enumerate("ABCD"))
    return f"P: {i['flores_passage']}\nQ: {i['question'].strip()}\n{answers}\nAnswer:"


rows = []
for lang in ("eng_Latn", "mar_Deva"):
    items = [json.loads(x) for x in open(sample / f"belebele/{lang}.jsonl", encoding="utf-8")]
    for shots in (0, 4):
        for n, i in enumerate(items[:6]):
            examples = [j for m, j in enumerate(items[:shots + 1]) if m != n][:shots]
            context = "".join(f"{prompt(j)} {'ABCD'[int(j['correct_answer_num']) - 1]}\n\n" for j in examples) + prompt(i)
            size = len(encode(context))
            scores = [score(encode(f"{context} {x}"), size) for x in "ABCD"]
            rows.append([lang, shots, n, size, scores[0][1], *(s[0] for s in scores), int(i["correct_answer_num"]) - 1])
save("belebele.csv", "language shots item context_tokens truncated ll_a ll_b ll_c ll_d gold".split(), rows)

texts = []
for text in ("The ", "Los niños", "दो", ""):
    ids = encode(text) or [EOS]
    start, gaps = len(ids), []
    with torch.no_grad():
        while len(ids) < start + 16:
            top = model(input_ids=torch.tensor([ids])).logits[0, -1].topk(2)
            gaps.append(float(top.values[0] - top.values[1]))
            ids.append(int(top.indices[0]))
    texts.append({"prompt": text, "prompt_ids": ids[:start], "continuation_ids": ids[start:], "smallest_gap": min(gaps)})
(out / "generate.json").write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n")

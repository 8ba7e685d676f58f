"""Routing of the sample model by another program: PyTorch and Hugging Face transformers.

    python make_routing.py SAMPLE OUT

reads SAMPLE/model and SAMPLE/parallel/LANG.txt and writes to OUT

counts.csv           language,layer,expert,count: every line a document, the end-of-text token after it, one stream,
                     windows of 128 tokens, 16 at most
counts_file.csv      the same over the file tokenised in one piece, without end-of-text tokens
near_ties.csv        language,layer,tokens: of counts.csv, those whose k-th and next probability differ by < 1e-6
probabilities.csv    language,layer,expert,mean_pooled,mean_documents: full softmax over the tokens of counts.csv
entropy.csv          language,layer,entropy_counts,entropy_probabilities
jsd.csv              layer,language_a,language_b,jsd_counts,jsd_probabilities
specialization.csv   layer,score
overlap.csv          language_a,language_b,jaccard,overlap_coefficient,weighted_jaccard: of the tokens of counts.csv
perplexity.csv       language,tokens,predicted,nll,perplexity,nll_diluted,perplexity_diluted
parallel/*.csv       divergence.csv (against English), consistency.csv, delta.csv: the first 12 lines, each a sequence of
                     its own without end-of-text token
"""
import csv
import itertools
import os
import sys

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import OlmoeForCausalLM

SAMPLE, OUT = sys.argv[1:3]
LANGUAGES = ["en", "cs", "sk", "hi", "ur"]
WINDOW, WINDOWS, LINES = 128, 16, 12

model = OlmoeForCausalLM.from_pretrained(f"{SAMPLE}/model", dtype=torch.float32, attn_implementation="eager").eval()
tokenizer = Tokenizer.from_file(f"{SAMPLE}/model/tokenizer.json")
config = model.config
L, E, K, EOS = config.num_hidden_layers, config.num_experts, config.num_experts_per_tok, config.eos_token_id


def write(name, header, rows):
    path = f"{OUT}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="") as f:
        table = csv.writer(f, lineterminator="\n")
        table.writerow(header.split(","))
        for row in rows:
            table.writerow([f"{x:.12g}" if isinstance(x, float) else x for x in row])


def encode(text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def lines_of(language):
    with open(f"{SAMPLE}/parallel/{language}.txt", encoding="utf-8", newline="") as f:
        return f.read().splitlines()


@torch.no_grad()
def probabilities(ids):
    """(L,tokens,E) float64, and logits (B,T,V), of ids (B,T)."""
    out = model(input_ids=ids, output_router_logits=True)
    return torch.stack([r.float().softmax(-1) for r in out.router_logits]), out.logits


def windows(ids):
    n = min(WINDOWS, len(ids) // WINDOW)
    return torch.tensor(ids[: n * WINDOW]).view(n, WINDOW)


def choices(p):
    """(L,tokens,K) experts."""
    return p.topk(K, -1).indices


def count(index):
    return np.stack([np.bincount(index[l].reshape(-1).numpy(), minlength=E) for l in range(L)])


class Language:
    def __init__(self, name):
        ids, document = [], []
        for i, line in enumerate(lines_of(name)):
            piece = encode(line) + [EOS]
            ids += piece
            document += [i] * len(piece)
        x = windows(ids)
        self.tokens = x.numel()
        document = np.array(document[: self.tokens])
        p, logits = probabilities(x)
        self.count = count(choices(p))
        top = p.topk(K + 1, -1).values
        self.ties = ((top[..., K - 1] - top[..., K]) < 1e-6).sum(-1).tolist()
        q = p.double().numpy()
        self.pooled = q.mean(1)
        self.by_document = np.mean([q[:, document == d].mean(1) for d in np.unique(document)], 0)
        self.vocabulary = np.bincount(x.reshape(-1).numpy(), minlength=config.vocab_size)
        loss = -logits[:, :-1].double().log_softmax(-1).gather(-1, x[:, 1:, None])
        self.nll, self.predicted = float(loss.sum()), loss.numel()
        with open(f"{SAMPLE}/parallel/{name}.txt", encoding="utf-8", newline="") as f:
            self.whole = count(choices(probabilities(windows(encode(f.read())))[0]))
        self.mean, self.active, self.alike = [], [], []
        for line in lines_of(name)[:LINES]:
            r, _ = probabilities(torch.tensor([encode(line)]))
            index = choices(r)
            self.mean.append(r.double().mean(1).numpy())
            self.active.append(count(index) / index.shape[1])
            sets = [[frozenset(t) for t in layer.tolist()] for layer in index]
            self.alike.append([(likeness(itertools.combinations(s, 2)), likeness(zip(s, s[1:]))) for s in sets])


def likeness(pairs):
    return np.mean([len(a & b) / len(a | b) for a, b in pairs])


def H(p):
    p = np.asarray(p, dtype=float)
    p = p / p.sum(-1, keepdims=True)
    return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(-1)


def jsd(a, b):
    a, b = a / a.sum(-1, keepdims=True), b / b.sum(-1, keepdims=True)
    return H((a + b) / 2) - (H(a) + H(b)) / 2


def specialization(w):
    """Mutual information of language and expert over the entropy of the language."""
    return (H(w.sum(1)) + H(w.sum(0)) - H(w.reshape(-1))) / H(w.sum(1))


data = {name: Language(name) for name in LANGUAGES}
cells = list(itertools.product(LANGUAGES, range(L), range(E)))
pairs = list(itertools.combinations(LANGUAGES, 2))
write("counts.csv", "language,layer,expert,count", ((n, l, e, data[n].count[l, e]) for n, l, e in cells))
write("counts_file.csv", "language,layer,expert,count", ((n, l, e, data[n].whole[l, e]) for n, l, e in cells))
write("near_ties.csv", "language,layer,tokens", ((n, l, data[n].ties[l]) for n in LANGUAGES for l in range(L)))
write("probabilities.csv", "language,layer,expert,mean_pooled,mean_documents",
      ((n, l, e, float(data[n].pooled[l, e]), float(data[n].by_document[l, e])) for n, l, e in cells))
write("entropy.csv", "language,layer,entropy_counts,entropy_probabilities",
      ((n, l, float(H(data[n].count[l])), float(H(data[n].pooled[l]))) for n in LANGUAGES for l in range(L)))
write("jsd.csv", "layer,language_a,language_b,jsd_counts,jsd_probabilities",
      ((l, a, b, float(jsd(data[a].count[l], data[b].count[l])), float(jsd(data[a].pooled[l], data[b].pooled[l])))
       for l in range(L) for a, b in pairs))
write("specialization.csv", "layer,score",
      ((l, float(specialization(np.stack([data[n].count[l] for n in LANGUAGES])))) for l in range(L)))


def overlap(a, b):
    f, g = a / a.sum(), b / b.sum()
    both, either = ((a > 0) & (b > 0)).sum(), ((a > 0) | (b > 0)).sum()
    return both / either, both / min((a > 0).sum(), (b > 0).sum()), np.minimum(f, g).sum() / np.maximum(f, g).sum()


write("overlap.csv", "language_a,language_b,jaccard,overlap_coefficient,weighted_jaccard",
      ((a, b, *map(float, overlap(data[a].vocabulary, data[b].vocabulary))) for a, b in pairs))
write("perplexity.csv", "language,tokens,predicted,nll,perplexity,nll_diluted,perplexity_diluted",
      ((n, d.tokens, d.predicted, d.nll / d.predicted, float(np.exp(d.nll / d.predicted)), d.nll / d.tokens,
        float(np.exp(d.nll / d.tokens))) for n, d in data.items()))


def divergence(a, b):
    return jsd(a, b) / (np.log(E) - (H(a) + H(b)) / 2)


first = LANGUAGES[0]
write("parallel/divergence.csv", "layer,language,divergence,sequences",
      ((l, n, float(np.mean([divergence(a, b)[l] for a, b in zip(data[first].mean, data[n].mean)])), LINES)
       for n in LANGUAGES[1:] for l in range(L)))
write("parallel/consistency.csv", "layer,language,jaccard_all_pairs,jaccard_adjacent",
      ((l, n, *map(float, np.mean(data[n].alike, 0)[l])) for n in LANGUAGES for l in range(L)))
write("parallel/delta.csv", "language,layer,expert,delta",
      ((n, l, e, float((np.mean(data[n].active, 0) - np.mean(data[first].active, 0))[l, e]))
       for n, l, e in cells if n != first))
print("near ties", sum(sum(d.ties) for d in data.values()))

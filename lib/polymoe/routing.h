/*
 * routing.h - how a model's experts are used: counters, and the measures on
 * them.
 *
 *     struct moe_routing r;
 *     struct moe_routing_language *en;
 *     moe_routing_init(&err, &r, L, E, K);
 *     moe_routing_add(&err, &r, "en", &en);
 *     en->count[l * E + e]++; ...
 *     moe_routing_write(&err, &r, "results");
 *     moe_routing_free(&r);
 *
 * The measures are pure functions over plain arrays of doubles.  Where they
 * take a distribution over experts they take weights of any scale and divide
 * by the sum themselves, so counts, sums of probabilities and probabilities
 * all serve.  An undefined value is NaN, never 0.  Natural logarithms.
 *
 * The formulas, and where published code departs from them, are in
 * polymoe-routing(7).
 */
#ifndef POLYMOE_ROUTING_H
#define POLYMOE_ROUTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <polymoe/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Counters ----------------------------------------------------------- */

/* What was seen of one language.  p is the softmax over all E experts. */
struct moe_routing_language {
    char *name;
    uint64_t tokens;
    uint64_t documents;
    uint64_t *count;     // (L,E) top-k choices; a layer sums to K tokens
    double *pooled;      // (L,E) sum of p over tokens
    double *by_document; // (L,E) sum over documents of the document's mean p
    double *gate;        // (L,E) sum of the weights of the chosen
    uint64_t predicted;  // tokens with a loss; 0: not measured
    double nll;          // sum of -log p(token) over them, nats
};

/* A zeroed struct is an empty table of no shape. */
struct moe_routing {
    int64_t L, E, K;
    int64_t n; // languages, in the order in which they were added
    struct moe_routing_language **language;
};

/* Make an empty table.  MOE_EINVAL unless L, E >= 1 and 1 <= K <= E. */
MOE_API int moe_routing_init(struct moe_err *err, struct moe_routing *r,
                             int64_t L, int64_t E, int64_t K);
MOE_API void moe_routing_free(struct moe_routing *r);

/* Add a language with zero counters; *out belongs to the table and stays
 * where it is.  MOE_EINVAL for a name that is there already. */
MOE_API int moe_routing_add(struct moe_err *err, struct moe_routing *r,
                            const char *name,
                            struct moe_routing_language **out);

/* The language of that name, or NULL. */
MOE_API struct moe_routing_language *
moe_routing_find(const struct moe_routing *r, const char *name);

/* Add every counter of `from` to `into`, which gains the languages that it
 * lacks.  MOE_ESHAPE when L, E or K differ; then nothing was added. */
MOE_API int moe_routing_merge(struct moe_err *err, struct moe_routing *into,
                              const struct moe_routing *from);

/*
 * Save a table as JSON that loads back to the same bits, with a text that says
 * what it was made from.
 *
 * Load fails with MOE_EINPUT or MOE_EFORMAT when the file is missing or is not
 * such a table, and with MOE_ESTATE when it is of another identity.  *r is
 * empty after a failure; otherwise free it with moe_routing_free().
 */
MOE_API int moe_routing_save(struct moe_err *err, const struct moe_routing *r,
                             const char *path, const char *identity);
MOE_API int moe_routing_load(struct moe_err *err, struct moe_routing *r,
                             const char *path, const char *identity);

/*
 * Write counts.csv, probabilities.csv, entropy.csv, jsd.csv and
 * specialization.csv, and perplexity.csv when a language has a loss, to a
 * directory that exists.
 *
 * The n_high languages have a specialisation score of their own, beside that
 * of all.  A language without tokens is in none of them: the caller says so to
 * the user.  jsd.csv has only its header below two languages; so has
 * specialization.csv, whose score is undefined then.
 */
MOE_API int moe_routing_write(struct moe_err *err, const struct moe_routing *r,
                              const char *const *high, int64_t n_high,
                              const char *dir);

/* ---- Measures ----------------------------------------------------------- */

/*
 * Entropy of a distribution, nats, in [0, ln E].
 *
 *   H(a) = -sum_e a_e ln a_e,  0 ln 0 = 0,  a = w / sum w
 *
 * w (E) weights >= 0.  NaN when they sum to 0 or one is negative or NaN.
 */
MOE_API double moe_entropy(const double *w, int64_t E);

/*
 * Jensen-Shannon divergence, nats, in [0, ln 2]; the divergence, not its
 * square root.
 *
 *   JSD(a,b) = sum_e (a_e ln(a_e/m_e) + b_e ln(b_e/m_e)) / 2,  m = (a+b)/2
 *
 * a, b (E) weights >= 0.  Symmetric to the bit.  NaN as moe_entropy().
 * Source: Lin 1991, "Divergence measures based on the Shannon entropy".
 */
MOE_API double moe_jsd(const double *a, const double *b, int64_t E);

/*
 * How much an expert tells about the language: the share of the entropy of
 * the language that knowing the expert removes, in [0, 1].
 *
 *   (H(language) - sum_e p(e) H(language | e)) / H(language)
 *
 * w (n,E) counts, one row a language.  Rows are not normalised: a language
 * with more tokens weighs more.  NaN when fewer than two rows have weight.
 */
MOE_API double moe_specialization(const double *w, int64_t n, int64_t E);

/*
 * JSD as a share of the most that two distributions of these entropies can
 * reach, in [0, 1]: without it, layers whose routing is sharp would always
 * look closer together.
 *
 *   JSD(a,b) / (ln E - (H(a) + H(b)) / 2)
 *
 * 1 when (a+b)/2 is uniform; free of the base of the logarithm.  NaN when
 * both are uniform: the divisor must exceed 1e-8.
 * Source: arXiv:2510.04694, appendix A.4.
 */
MOE_API double moe_divergence(const double *a, const double *b, int64_t E);

/* How alike the top-k sets of the tokens of one sequence are. */
struct moe_consistency {
    double all;      // mean Jaccard index over all pairs of tokens
    double adjacent; // over pairs of neighbours
};

/*
 * Consistency of routing within a sequence.
 *
 *   Jaccard(i,j) = |S_i and S_j| / |S_i or S_j|,  S_t = {idx[t,0..K-1]}
 *
 * idx (T,K) experts in [0, E), distinct within a row.  Both NaN below two
 * tokens.  MOE_EINVAL for an expert out of range, MOE_ENOMEM.
 */
MOE_API int moe_consistency(struct moe_err *err, struct moe_consistency *out,
                            const int32_t *idx, int64_t T, int64_t K,
                            int64_t E);

/*
 * Share of the tokens of a sequence whose top-k set holds each expert.
 *
 *   out[e] = |{t : e in S_t}| / T
 *
 * out (E), sums to K.  All NaN for T = 0.  The difference of two means of it
 * over sequences, which sums to 0, ranks experts by domain or language.
 * Source: arXiv:2510.04694, equation 3.
 */
MOE_API void moe_activation(double *out, const int32_t *idx, int64_t T,
                            int64_t K, int64_t E);

/* ---- Vocabulary --------------------------------------------------------- */

/* How much of their token vocabulary two texts share, each in [0, 1]. */
struct moe_overlap {
    double jaccard;     // |A and B| / |A or B|
    double coefficient; // |A and B| / min(|A|, |B|)
    double weighted;    // sum_t min(f_a, f_b) / sum_t max(f_a, f_b)
};

/* From the number of times that each of V token ids stands in two texts:
 * A, B are the sets of ids seen, f relative frequencies.  NaN when a text is
 * empty. */
MOE_API struct moe_overlap moe_vocabulary_overlap(const uint64_t *a,
                                                  const uint64_t *b, int64_t V);

/* y = intercept + slope x by least squares, and Pearson's correlation. */
struct moe_fit {
    double r, slope, intercept;
    int64_t n;
};

/* All NaN below two points or when every x is the same; r is NaN when every
 * y is the same. */
MOE_API struct moe_fit moe_linear_fit(const double *x, const double *y,
                                      int64_t n);

/* ---- Selection of experts ------------------------------------------------ */

/*
 * Give each expert to the language that uses it clearly more than any other.
 *
 *   a_l(e) = w[l,e] / sum w[l,:]; the expert goes to the language of its
 *   largest a when that exceeds the second largest by alpha or more
 *
 * owner (E) out: a row of w, or -1.  w (n,E) counts.  An expert has at most
 * one owner, so the sets are disjoint; a tie goes to the earlier language.
 * MOE_EINVAL for fewer than two languages or one without weight.
 */
MOE_API int moe_select_by_gap(struct moe_err *err, int32_t *owner,
                              const double *w, int64_t n, int64_t E,
                              double alpha);

/*
 * Rank experts by how much all languages use them: by the mean of a_l(e) over
 * the languages, largest first, ties to the lower expert.
 *
 * rank (E) out.  MOE_EINVAL for no language or one without weight.
 */
MOE_API int moe_rank_shared(struct moe_err *err, int32_t *rank, const double *w,
                            int64_t n, int64_t E);

/*
 * The same against the mean of the others: own[l,e] when a_l(e) exceeds the
 * mean of a over the other languages by alpha or more.  Sets may overlap.
 *
 * own (n,E) out.  Errors as moe_select_by_gap().
 */
MOE_API int moe_select_by_mean_gap(struct moe_err *err, bool *own,
                                   const double *w, int64_t n, int64_t E,
                                   double alpha);

/* The n experts of largest weight w (E), largest first, ties to the lower;
 * list (E) out.  How many: n or E. */
MOE_API int64_t moe_select_top(int32_t *list, const double *w, int64_t E,
                               int64_t n);

/*
 * Experts of largest weight, largest first, until together they have
 * `threshold` of all weight; list (E) out.  How many, 0 without weight.
 *
 * With the weights of the chosen it is the gate score of ESFT, with counts its
 * token score.  Source: arXiv:2407.01906, section 3.
 */
MOE_API int64_t moe_select_share(int32_t *list, const double *w, int64_t E,
                                 double threshold);

/* How a language's own experts are found. */
enum moe_rule {
    MOE_RULE_GAP,      // moe_select_by_gap() over the high languages
    MOE_RULE_GAP_MEAN, // moe_select_by_mean_gap() over them
    MOE_RULE_TOP_N,    // moe_select_top() of its counts
    MOE_RULE_GATE,     // moe_select_share() of its weights of the chosen
    MOE_RULE_TOKEN,    // moe_select_share() of its counts
    MOE_RULE_EXPLICIT  // named in a file
};

/* A language to adapt to, and the one whose experts it takes. */
struct moe_parent {
    const char *language, *parent;
};

struct moe_selection {
    double alpha;
    const int64_t *layer; // layers of them
    int64_t layers;
    const char *const *high; // languages that experts are given to
    int64_t n_high;
    const struct moe_parent *low;
    int64_t n_low;
    bool distinct; // skip shared experts that the language has already;
                   // false: the published list, which repeats them
    enum moe_rule rule;
    int64_t n;        // of MOE_RULE_TOP_N
    int64_t most;     // own experts of a layer: by the rules of gaps those of
                      // the largest, else the first ones; 0: all
    double threshold; // of MOE_RULE_GATE and MOE_RULE_TOKEN
    const char *file; // of MOE_RULE_EXPLICIT: the seft lists that `low` has
                      // in this experts.json, whatever their parents
};

/*
 * Write selection.csv, a row an expert of every layer: the language of its
 * largest share and the gaps to the others, its rank among shared experts, and
 * who has it in experts.json.  Errors as below.
 */
MOE_API int moe_selection_table(struct moe_err *err,
                                const struct moe_routing *r,
                                const struct moe_selection *selection,
                                const char *path);

/*
 * Write experts.json: per layer the shared experts for k = 1, 3, 5, and per
 * language its parent's experts (seft) and those followed by the shared ones
 * (ssft_k1, ssft_k3, ssft_k5).
 *
 * MOE_EINVAL for a layer that is not in the table, a language without tokens,
 * or, with the rules of gaps, a parent that is not one of `high`; MOE_EIO.
 */
MOE_API int moe_selection_write(struct moe_err *err,
                                const struct moe_routing *r,
                                const struct moe_selection *selection,
                                const char *path);

/* Some experts of some layers. */
struct moe_experts {
    int64_t layers;
    struct moe_layer_experts {
        int64_t layer, n;
        int32_t *expert; // n, distinct, in the order of the file
    } * layer;           // ascending
};

/*
 * Read one list of an experts.json: that of `language` under `strategy`
 * ("seft", "ssft_k1", ...), or of "shared_experts" under "k1", "k3", "k5".
 *
 * An expert that a list names twice, as published lists do, is taken once; a
 * layer may have no expert.  MOE_EINPUT for a missing file; MOE_EINVAL for a
 * language or strategy that is not in it, naming those that are; MOE_EFORMAT
 * for another shape, a layer outside [0, L) or an expert outside [0, E).
 * *out is empty after a failure; otherwise free it with moe_experts_free().
 */
MOE_API int moe_experts_read(struct moe_err *err, struct moe_experts *out,
                             const char *path, const char *language,
                             const char *strategy, int64_t L, int64_t E);

/*
 * The experts that a list of texts names: "3/5", "3/0-7", "12-15/2", "3/all";
 * a layer or some in a row, and an expert, some in a row, or all.
 *
 * In the order of the texts, each once.  MOE_EINVAL for another form or a
 * number out of range, naming the text.
 */
MOE_API int moe_experts_parse(struct moe_err *err, struct moe_experts *out,
                              const char *const *text, size_t n, int64_t L,
                              int64_t E);

/* in (L): the layers that a list of texts names, "3", "4-11" or "all".
 * MOE_EINVAL as above. */
MOE_API int moe_layers_parse(struct moe_err *err, bool *in,
                             const char *const *text, size_t n, int64_t L);

/*
 * The experts of a language or a task from a delta.csv or a task_experts.csv:
 * those whose delta times `sign` is above tau, furthest from 0 first in every
 * layer.  With the name "multilingual", those of any language.
 *
 * MOE_EINPUT, MOE_EFORMAT; MOE_EINVAL for a name that the file does not have,
 * when it is asked for those above 0.
 */
MOE_API int moe_experts_read_delta(struct moe_err *err, struct moe_experts *out,
                                   const char *path, const char *name,
                                   double tau, int sign, int64_t L, int64_t E);

/* At most `most` experts of each layer, the first ones. */
MOE_API void moe_experts_cap(struct moe_experts *experts, int64_t most);

MOE_API void moe_experts_free(struct moe_experts *experts);

#ifdef __cplusplus
}
#endif
#endif

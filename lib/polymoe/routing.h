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
 * A language without tokens is in none of them: the caller says so to the
 * user.  jsd.csv has only its header below two languages; so has
 * specialization.csv, whose score is undefined then.
 */
MOE_API int moe_routing_write(struct moe_err *err, const struct moe_routing *r,
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

#ifdef __cplusplus
}
#endif
#endif

/*
 * match.h - every tensor of the files to its parameter, and every parameter to
 * its tensor, or a refusal that names what is left over and what is missing.
 */
#ifndef MODEL_MATCH_H
#define MODEL_MATCH_H

#include "io/checkpoint.h"
#include "model/params.h"

enum { EXPERT_GATE, EXPERT_UP, EXPERT_DOWN, EXPERT_PARTS };

/* One matrix of one expert: a tensor, or a part of a fused one. */
struct expert_part {
    const struct ck_tensor *t;
    uint64_t skip; // bytes of t before it
};

struct match {
    const struct ck_tensor *model[PARAM_KINDS];
    const struct ck_tensor *(*layer)[PARAM_KINDS]; // (L), NULL: none
    struct expert_part (*expert)[EXPERT_PARTS];    // (L E)
};

/*
 * Find the tensors of a model; marks them as used in files, which must outlive
 * the match.
 *
 * The experts of a layer are one tensor a matrix, or two fused ones whose
 * gate rows stand before the up rows.  A head beside tied embeddings is
 * accepted when it is the same numbers.  MOE_EFORMAT for a tensor of another
 * shape or of a type that is not float, a missing one, one that is left over.
 */
int match_open(struct moe_err *err, struct match *out,
               const struct moe_config *config, const struct checkpoint *files);
void match_close(struct match *m);

#endif

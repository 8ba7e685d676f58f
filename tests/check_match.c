/*
 * check_match.c - tensors of files to parameters: every spelling is found, and
 * what is missing, left over or of another shape is refused by name.
 */
#include "config.h"

#include "tests/tiny.h"

#include <string.h>

#include "model/match.h"

static int
match(struct moe_err *err, const char *dir, struct moe_config *config,
      struct checkpoint **files, struct match *out)
{
    ck_ok(err, moe_config_read(err, config, dir));
    ck_ok(err, checkpoint_open(err, files, dir));
    return match_open(err, out, config, *files);
}

static void
drop(struct moe_config *config, struct checkpoint **files, struct match *m)
{
    match_close(m);
    checkpoint_close(files);
    moe_config_free(config);
}

static const unsigned char *
part_of(const struct match *m, int64_t i, int part)
{
    return m->expert[i][part].t->st->data + m->expert[i][part].skip;
}

/* The same numbers stand where each spelling says they are. */
START_TEST(spellings_give_the_same_experts)
{
    static const struct tiny spelling[] = {
        {.dtype = DTYPE_BF16},
        {.dtype = DTYPE_BF16, .fused = true},
        {.dtype = DTYPE_BF16, .shards = 3},
        {.dtype = DTYPE_BF16, .fused = true, .shards = 3},
    };
    static const char *const name[] = {"each", "fused", "sharded", "both"};
    struct moe_err err = {0};
    struct moe_config c[4];
    struct checkpoint *f[4];
    struct match m[4];
    for (int i = 0; i < 4; i++)
        ck_ok(&err, match(&err, tiny_write(name[i], &spelling[i]), &c[i], &f[i],
                          &m[i]));
    for (int i = 1; i < 4; i++)
        for (int64_t e = 0; e < c[0].L * c[0].E; e++)
            for (int p = 0; p < EXPERT_PARTS; p++)
                ck_assert_mem_eq(part_of(&m[i], e, p), part_of(&m[0], e, p),
                                 (size_t)(c[0].D * c[0].F * 2));
    for (int i = 0; i < 4; i++)
        drop(&c[i], &f[i], &m[i]);
}
END_TEST

#define L1 "model.layers.1."

static const struct {
    struct tiny tiny;
    int code;
    const char *part;
} wrong[] = {
    {{.drop = "lm_head.weight"}, MOE_EFORMAT, "missing: lm_head.weight"},
    {{.drop = "model.norm.weight"}, MOE_EFORMAT, "missing: model.norm.weight"},
    {{.drop = L1 "mlp.gate.weight"}, MOE_EFORMAT, L1 "mlp.gate.weight"},
    {{.drop = L1 "mlp.experts.7.up_proj.weight"},
     MOE_EFORMAT,
     "missing: " L1 "mlp.experts.7.up_proj.weight"},
    {{.fused = true, .drop = L1 "mlp.experts.down_proj"},
     MOE_EFORMAT,
     "missing: " L1 "mlp.experts.down_proj"},
    {{.fused = true, .drop = L1 "mlp.experts.gate_up_proj"},
     MOE_EFORMAT,
     "and 18 more; tensors of no parameter: " L1 "mlp.experts.down_proj"},
    {{.extra = "model.extra"}, MOE_EFORMAT, "of no parameter: model.extra"},
    {{.extra = L1 "mlp.experts.8.up_proj.weight"},
     MOE_EFORMAT,
     "of no parameter: " L1 "mlp.experts.8.up_proj.weight"},
    {{.extra = L1 "self_attn.q_proj.bias"}, MOE_EFORMAT, "of no parameter"},
    {{.tall = L1 "self_attn.q_norm.weight"},
     MOE_ESHAPE,
     L1 "self_attn.q_norm.weight': found (33), want (32)"},
    {{.tall = "model.embed_tokens.weight"},
     MOE_ESHAPE,
     "found (84, 32), want (83, 32)"},
    {{.fused = true, .tall = L1 "mlp.experts.gate_up_proj"},
     MOE_ESHAPE,
     "found (9, 48, 32), want (8, 48, 32)"},
    {{.typed = L1 "mlp.gate.weight"}, MOE_EFORMAT, "found U32, want F32"},
    {{.config = "{\"tie_word_embeddings\":true}", .extra = "lm_head.weight"},
     MOE_ESHAPE,
     "lm_head.weight': found (), want (83, 32)"},
    {{.config = "{\"num_key_value_heads\":2}",
      .tall = L1 "self_attn.k_norm.weight"},
     MOE_ESHAPE,
     "found (17), want (16)"},
};

START_TEST(what_does_not_match_is_named)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct checkpoint *f;
    struct match m;
    char name[16];
    snprintf(name, sizeof name, "wrong%d", _i);
    int rc = match(&err, tiny_write(name, &wrong[_i].tiny), &c, &f, &m);
    ck_fails(&err, rc, wrong[_i].code, wrong[_i].part);
    drop(&c, &f, &m);
}
END_TEST

START_TEST(tied_embeddings_need_no_head)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct checkpoint *f;
    struct match m;
    struct tiny t = {.config = "{\"tie_word_embeddings\":true}"};
    ck_ok(&err, match(&err, tiny_write("tied", &t), &c, &f, &m));
    ck_assert_ptr_null(m.model[PARAM_HEAD]);
    drop(&c, &f, &m);
}
END_TEST

START_TEST(biases_are_found)
{
    struct moe_err err = {0};
    struct moe_config c;
    struct checkpoint *f;
    struct match m;
    struct tiny t = {.config = "{\"attention_bias\":true}"};
    ck_ok(&err, match(&err, tiny_write("biased", &t), &c, &f, &m));
    ck_assert_str_eq(m.layer[1][PARAM_O_BIAS]->st->name,
                     "model.layers.1.self_attn.o_proj.bias");
    drop(&c, &f, &m);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("match");
    TCase *t = tcase_create("match");
    tcase_add_test(t, spellings_give_the_same_experts);
    tcase_add_loop_test(t, what_does_not_match_is_named, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(t, tied_embeddings_need_no_head);
    tcase_add_test(t, biases_are_found);
    suite_add_tcase(s, t);
    return support_main(s, 0);
}

/*
 * page_about.c - what ran on what, the conventions, how to cite.
 */
#include "config.h"

#include "report/page.h"

#include <string.h>

#include "report/html.h"

static void
fact(struct str *out, const char *name, const char *value)
{
    if (!*value)
        return;
    html_tag(out, "dt", "%s", name);
    html_tag(out, "dd", "%s", value);
}

/* The path of the first input of a role. */
static const char *
input_path(const struct folder *f, const char *role)
{
    const json_t *inputs = json_object_get(f->record, "inputs");
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        const json_t *o = json_array_get(inputs, i);
        const char *is = json_string_value(json_object_get(o, "role"));
        const char *path = json_string_value(json_object_get(o, "path"));
        if (is && path && strcmp(is, role) == 0)
            return path;
    }
    return "";
}

static void
inputs_table(struct str *out, const struct folder *f)
{
    const json_t *inputs = json_object_get(f->record, "inputs");
    if (!json_array_size(inputs))
        return;
    str_puts(out, "<details class=\"more\"><summary>Input files and their "
                  "hashes</summary>\n");
    html_table(out, "Input files", "role|language|file|#bytes|SHA-256");
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        static const char *const keys[] = {"role", "language", "path"};
        const json_t *o = json_array_get(inputs, i);
        const char *hash = json_string_value(json_object_get(o, "sha256"));
        html_row(out);
        for (int k = 0; k < 3; k++) {
            const char *text = json_string_value(json_object_get(o, keys[k]));
            html_cell(out, "%s", text ? text : "");
        }
        html_number(out, 0, json_number_value(json_object_get(o, "bytes")));
        html_cell(out, "%s", hash ? hash : "not hashed");
    }
    html_table_end(out);
    str_puts(out, "</details>\n");
}

static void
run_facts(struct str *out, const struct folder *f)
{
    html_tag(out, "h3", "%s", f->label);
    str_puts(out, "<dl class=\"facts\">\n");
    fact(out, "Folder", f->dir);
    fact(out, "Kind of job", f->kind);
    fact(out, "Model", input_path(f, "model"));
    fact(out, "Tokenizer", input_path(f, "tokenizer"));
    fact(out, "Device", folder_word(f, "device", "name"));
    fact(out, "Platform", folder_word(f, "device", "platform"));
    fact(out, "Driver", folder_word(f, "device", "driver"));
    fact(out, "Host", folder_word(f, NULL, "host"));
    fact(out, "Started", folder_word(f, NULL, "started"));
    fact(out, "Ended", folder_word(f, NULL, "ended"));
    fact(out, "Status", folder_word(f, NULL, "status"));
    fact(out, "polymoe", folder_word(f, "build", "version"));
    fact(out, "Kernels", folder_word(f, NULL, "kernels_sha256"));
    str_puts(out, "</dl>\n");
    if (!f->record)
        html_class(out, "p", "quiet",
                   "The folder has no run.json: what ran is not known.");
    inputs_table(out, f);
}

static const char conventions[] =
    "<section id=\"conventions\">\n<h2>Conventions</h2>\n<ul>\n"
    "<li>Layers and experts count from 0. Entropies and divergences are in "
    "nats (natural logarithms). A missing value is shown as \u2013 and is "
    "never counted as 0.</li>\n"
    "<li><strong>Counts</strong>: how often an expert is among a token\u2019s "
    "top-k; a layer sums to k times the tokens. <strong>Probabilities</strong>"
    ": the mean over tokens of the softmax over all experts. Entropy, JSD, "
    "specialisation, overlap correlation and selection in this page are of "
    "counts unless a heading says probabilities.</li>\n"
    "<li><strong>JSD</strong> is the Jensen-Shannon divergence, at most "
    "ln\u00a02 = 0.693, not its square root.</li>\n"
    "<li><strong>Specialisation</strong> is (H(language) \u2212 "
    "H(language|expert)) / H(language) over counts that are not normalised: "
    "languages with more tokens weigh more.</li>\n"
    "<li><strong>Overlap</strong> is of the sets of token ids seen in the same "
    "tokens (Jaccard index, overlap coefficient) or of their frequencies "
    "(weighted Jaccard). With groups, pairs of two low-resource languages are "
    "left out of correlations, as in study A.</li>\n"
    "<li><strong>Normalised divergence</strong> is JSD(a,b) / (ln E \u2212 "
    "(H(a)+H(b))/2) of the mean probabilities of a sequence and its "
    "translation, averaged over sequences.</li>\n"
    "<li><strong>Divergence by chance</strong> is what two samples of one "
    "distribution of this size have on average, (E \u2212 1) / (4 choices), "
    "taking choices as independent.</li>\n"
    "<li>polymoe-routing(7) has every formula and file.</li>\n"
    "</ul>\n</section>\n";

static const char citation[] =
    "<section id=\"cite\">\n<h2>How to cite the measures</h2>\n<ul>\n"
    "<li>Entropy, mean JSD, specialisation, overlap correlation and selection "
    "by activation gap: \u201cLeveraging Routing Dynamics in "
    "Mixture-of-Experts Models for Efficient Language Adaptation\u201d (study "
    "A), code at github.com/aditi184/moe-routing-adaptation.</li>\n"
    "<li>Normalised divergence, consistency, task and multilingual experts: "
    "\u201cMultilingual Routing in Mixture-of-Experts\u201d (study B), "
    "arXiv:2510.04694.</li>\n"
    "<li>Jensen-Shannon divergence: J. Lin, \u201cDivergence measures based on "
    "the Shannon entropy\u201d, IEEE Transactions on Information Theory 37(1), "
    "1991.</li>\n"
    "<li>Co-activation, router saturation and token specialisation: \u201c"
    "OLMoE: Open Mixture-of-Experts Language Models\u201d, arXiv:2409.02060."
    "</li>\n</ul>\n"
    "<pre>@misc{multilingual-routing,\n"
    "  title  = {Multilingual Routing in Mixture-of-Experts},\n"
    "  eprint = {2510.04694}, archivePrefix = {arXiv}, year = {2025}\n"
    "}\n"
    "@article{lin1991,\n"
    "  author  = {Lin, Jianhua},\n"
    "  title   = {Divergence measures based on the {Shannon} entropy},\n"
    "  journal = {IEEE Transactions on Information Theory},\n"
    "  volume  = {37}, number = {1}, pages = {145--151}, year = {1991}\n"
    "}</pre>\n</section>\n";

void
page_about(struct str *out, const struct report *r)
{
    str_puts(out, "<section id=\"about\">\n");
    html_tag(out, "h2", "What ran on what");
    if (r->runs > REPORT_NAMED)
        str_printf(out,
                   "<details class=\"more\"><summary>All %zu jobs</summary>\n",
                   r->runs);
    for (size_t i = 0; i < r->runs; i++)
        run_facts(out, &r->run[i]);
    if (r->runs > REPORT_NAMED)
        str_puts(out, "</details>\n");
    str_puts(out, "</section>\n");
    str_puts(out, conventions);
    str_puts(out, citation);
}

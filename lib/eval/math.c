/*
 * math.c - the words that MGSM and GSM8K are asked with.
 */
#include "config.h"

#include "eval/math.h"

#include <string.h>

static const struct math_words words[] = {
    {"bn", "প্রশ্ন:", "ধাপে ধাপে উত্তর:", "Answer:", "The answer is ", ""},
    {"de", "Frage:", "Schritt-für-Schritt-Antwort:", "Antwort:",
     "Die Antwort lautet ", ""},
    {"en", "Question:", "Step-by-Step Answer:", "Answer:", "The answer is ",
     ""},
    {"es", "Pregunta:", "Respuesta paso a paso:", "Respuesta:",
     "La respuesta es ", ""},
    {"fr", "Question :", "Réponse étape par étape :", "Réponse :",
     "La réponse est ", ""},
    {"ja", "問題:", "ステップごとの答え:", "Answer:", "答えは", "です。"},
    {"ru", "Задача:", "Пошаговоерешение:", "Answer:", "Ответ — ", ""},
    {"sw", "Swali:", "Jibu la Hatua kwa Hatua:", "Answer:", "Jibu ni ", ""},
    {"te", "ప్రశ్న:", "దశలవారీగా సమాధానం:", "Answer:", "సమాధానం ", ""},
    {"th", "โจทย์:", "คำตอบทีละขั้นตอน:", "Answer:", "คำตอบคือ ", ""},
    {"zh", "问题:", "逐步解答:", "Answer:", "答案是 ", "。"},
};

const struct math_words *
math_words(const char *language)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].language, language) == 0)
            return &words[i];
    return NULL;
}

struct math_filter
math_filter(enum task task, const struct task_options *opt)
{
    const struct math_words *own = math_words(opt->language);
    const struct math_words *en = math_words("en");
    if (task == TASK_GSM8K || !own)
        return (struct math_filter){"#### ", "", "Question:", " "};
    if (opt->mode == MGSM_DIRECT)
        return (struct math_filter){NULL, "", own->question, ""};
    const struct math_words *w = opt->mode == MGSM_EN_COT ? en : own;
    return (struct math_filter){w->stem, w->end, own->question, " "};
}

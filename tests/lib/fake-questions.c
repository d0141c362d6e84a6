#include "tests/lib/fake-questions.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/enums.h"

struct Question {
        question_credential_t credential;
        question_proxies_t proxies;
        void *userdata;
};

static Question *under_way;
static char asked[256];

static Question *new_question(void *userdata)
{
        ck_assert_ptr_null(under_way);
        under_way = calloc(1, sizeof(*under_way));
        ck_assert_ptr_nonnull(under_way);
        under_way->userdata = userdata;
        return under_way;
}

Question *question_free(Question *question)
{
        if (!question)
                return NULL;
        ck_assert_ptr_eq(question, under_way);
        free(question);
        under_way = NULL;
        return NULL;
}

int questions_authenticate(Questions *questions,
                           uint32_t file,
                           AuthTarget target,
                           unsigned offered,
                           question_credential_t answered,
                           void *userdata,
                           Question **ret)
{
        *ret = new_question(userdata);
        (*ret)->credential = answered;
        (void) snprintf(asked,
                        sizeof(asked),
                        "authenticate %s %u",
                        auth_target_to_string(target),
                        offered);
        return 0;
}

int questions_find_proxies(Questions *questions,
                           const char *url,
                           question_proxies_t answered,
                           void *userdata,
                           Question **ret)
{
        *ret = new_question(userdata);
        (*ret)->proxies = answered;
        (void) snprintf(asked, sizeof(asked), "find-proxies %s", url);
        return 0;
}

const char *fake_questions_asked(void)
{
        return under_way ? asked : "";
}

/* The question is over before its answer is given, as it is in the real module. */
static Question take(void)
{
        Question question;

        ck_assert_ptr_nonnull(under_way);
        question = *under_way;
        (void) question_free(under_way);
        return question;
}

void fake_questions_give_credential(int result, Credential *credential)
{
        Question question = take();

        question.credential(question.userdata, result, credential);
}

void fake_questions_give_proxies(int result, char *const *proxies, const char *reason)
{
        Question question = take();

        question.proxies(question.userdata, result, proxies, reason);
}

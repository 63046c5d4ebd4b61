/* SPDX-License-Identifier: BSD-3-Clause */
/* The join of what was sent with what was received. */
#include "bench/smtpgen/verify.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/smtpgen/number.h"
#include "bench/smtpgen/record_reader.h"
#include "drivers/base/addr.h"

/* A recipient: 59 bits of its address's hash, and these. */
#define EXPECT_BITS UINT64_C(15) /* what is expected of its label, from 1; 0: nothing */
#define SEEN_BIT    UINT64_C(16) /* it was delivered */
#define HASH_BITS   (~(EXPECT_BITS | SEEN_BIT))

#define NO_MESSAGE UINT32_MAX

struct message {
    uint64_t id; /* run << 32 | number */
    uint32_t crc, size;
    uint32_t first; /* of its recipients */
    uint16_t count;
    uint16_t code;
};
static_assert(sizeof(struct message) == 24, "what verify.h says of memory");

struct expect {
    char label[RECORD_LABEL_MAX + 1];
    char sink[ADDR_TEXT_SIZE];
};

struct verify {
    struct message *messages;
    uint32_t message_count, message_room;
    uint64_t *recipients;
    uint32_t recipient_count, recipient_room;
    uint32_t *slots; /* by hash of the id, open addressing: the message's index or NO_MESSAGE */
    uint32_t slot_mask;
    unsigned expect_count;
    struct expect expects[VERIFY_EXPECTS_MAX];
    struct verify_result result;
};

struct verify *verify_new(void)
{
    return calloc(1, sizeof(struct verify));
}

void verify_free(struct verify *v)
{
    if (v == NULL)
        return;
    free(v->messages);
    free(v->recipients);
    free(v->slots);
    free(v);
}

bool verify_expect(struct verify *v, const char *label, const char *sink)
{
    struct expect *e = &v->expects[v->expect_count];
    struct endpoint endpoint;
    if (v->expect_count == VERIFY_EXPECTS_MAX ||
        !record_is_label((struct span){label, strlen(label)}))
        return false;
    for (unsigned i = 0; i < v->expect_count; i++) {
        if (strcmp(v->expects[i].label, label) == 0)
            return false;
    }
    strcpy(e->label, label);
    if (strcmp(sink, "none") == 0)
        strcpy(e->sink, sink);
    else if (endpoint_parse(sink, strlen(sink), 0, &endpoint))
        endpoint_format(&endpoint, e->sink);
    else
        return false;
    v->expect_count++;
    return true;
}

static void fault(struct verify *v, enum verify_fault which, uint64_t id)
{
    uint64_t *count = &v->result.faults[which];
    if (*count < VERIFY_EXAMPLES)
        v->result.examples[which][*count] = id;
    ++*count;
}

/* splitmix64's last step: every bit of x in every bit of the result. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* FNV-1a. */
static uint64_t address_hash(struct span address)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < address.len; i++)
        h = (h ^ (unsigned char)address.at[i]) * UINT64_C(0x100000001b3);
    return mix(h) & HASH_BITS;
}

/* Room for one more of *count elements: half as many again. False if there is no memory, or they
 * are too many to be numbered. */
static bool grow(void *array, uint32_t count, uint32_t *room, size_t size)
{
    void *old, *bigger;
    if (count < *room)
        return true;
    uint64_t wanted = (uint64_t)*room + *room / 2 + 1024;
    if (wanted >= NO_MESSAGE)
        return false;
    memcpy(&old, array, sizeof(old));
    bigger = realloc(old, wanted * size);
    if (bigger == NULL)
        return false;
    memcpy(array, &bigger, sizeof(bigger));
    *room = (uint32_t)wanted;
    return true;
}

/* What is expected of a label, from 1; 0 if nothing is. */
static unsigned expectation(const struct verify *v, struct span label)
{
    for (unsigned i = 0; i < v->expect_count; i++) {
        if (strlen(v->expects[i].label) == label.len &&
            memcmp(v->expects[i].label, label.at, label.len) == 0)
            return i + 1;
    }
    return 0;
}

static bool is_accepted(const struct message *m)
{
    return m->code / 100 == 2;
}

static bool add_message(struct verify *v, const struct record *r)
{
    struct record_recipient to;
    struct span rest = r->recipients;
    if (!grow(&v->messages, v->message_count, &v->message_room, sizeof(*v->messages)))
        return false;
    struct message *m = &v->messages[v->message_count++];
    *m = (struct message){
        (uint64_t)r->run << 32 | r->number, r->crc, r->size, v->recipient_count, 0, r->code};
    while (record_next_recipient(&rest, &to)) {
        if (m->count == UINT16_MAX ||
            !grow(&v->recipients, v->recipient_count, &v->recipient_room, sizeof(*v->recipients)))
            return false;
        v->recipients[v->recipient_count++] = address_hash(to.address) | expectation(v, to.label);
        m->count++;
    }
    uint64_t *facts = v->result.facts;
    if (is_accepted(m)) {
        facts[VERIFY_FACT_accepted]++;
        facts[VERIFY_FACT_recipients] += m->count;
    } else {
        facts[m->code == 0 ? VERIFY_FACT_in_doubt : VERIFY_FACT_refused]++;
    }
    return true;
}

/* The slot of an id: its message's, or the empty one where it belongs. */
static uint32_t *find(const struct verify *v, uint64_t id)
{
    uint32_t at = (uint32_t)mix(id) & v->slot_mask;
    while (v->slots[at] != NO_MESSAGE && v->messages[v->slots[at]].id != id)
        at = (at + 1) & v->slot_mask;
    return &v->slots[at];
}

/* All that was sent is here. At most two of three slots are taken. */
static bool index_messages(struct verify *v)
{
    uint64_t slots = 2;
    while (slots < (uint64_t)v->message_count * 3 / 2)
        slots *= 2;
    v->slots = malloc(slots * sizeof(*v->slots));
    if (v->slots == NULL)
        return false;
    memset(v->slots, 0xff, slots * sizeof(*v->slots));
    v->slot_mask = (uint32_t)(slots - 1);
    for (uint32_t i = 0; i < v->message_count; i++) {
        uint32_t *slot = find(v, v->messages[i].id);
        if (*slot != NO_MESSAGE)
            fault(v, VERIFY_FAULT_sent_twice, v->messages[i].id);
        else
            *slot = i;
    }
    return true;
}

/* The message's recipient of that hash, one that was not delivered yet if there is one. */
static uint64_t *find_recipient(const struct verify *v, const struct message *m, uint64_t hash)
{
    uint64_t *found = NULL;
    for (uint32_t i = m->first; i < m->first + m->count; i++) {
        uint64_t *to = &v->recipients[i];
        if ((*to & HASH_BITS) != hash)
            continue;
        if ((*to & SEEN_BIT) == 0)
            return to;
        found = to;
    }
    return found;
}

static void join_recipient(struct verify *v, const struct message *m, struct span address,
                           struct span listener)
{
    uint64_t *to = find_recipient(v, m, address_hash(address));
    if (to == NULL) {
        fault(v, VERIFY_FAULT_stray, m->id);
        return;
    }
    unsigned expected = *to & EXPECT_BITS;
    if (expected != 0) {
        const char *sink = v->expects[expected - 1].sink;
        if (strlen(sink) != listener.len || memcmp(sink, listener.at, listener.len) != 0)
            fault(v, VERIFY_FAULT_misdirected, m->id);
    }
    if ((*to & SEEN_BIT) != 0) {
        fault(v, VERIFY_FAULT_duplicate, m->id);
        return;
    }
    *to |= SEEN_BIT;
    if (is_accepted(m))
        v->result.facts[VERIFY_FACT_delivered]++;
    else if (m->code >= 500)
        fault(v, VERIFY_FAULT_bounced, m->id);
    else
        v->result.facts[VERIFY_FACT_perhaps]++;
}

static void join(struct verify *v, const struct record *r)
{
    struct record_recipient to;
    struct span rest = r->recipients;
    v->result.facts[VERIFY_FACT_received]++;
    if (r->foreign) {
        v->result.facts[VERIFY_FACT_foreign]++;
        return;
    }
    uint32_t at = *find(v, (uint64_t)r->run << 32 | r->number);
    if (at == NO_MESSAGE) {
        v->result.facts[VERIFY_FACT_unrecorded]++;
        return;
    }
    const struct message *m = &v->messages[at];
    if (m->size != r->size)
        fault(v, VERIFY_FAULT_resized, m->id);
    else if (m->crc != r->crc)
        fault(v, VERIFY_FAULT_altered, m->id);
    while (record_next_recipient(&rest, &to))
        join_recipient(v, m, to.address, r->listener);
}

static bool read_all(struct verify *v, FILE *in, enum record_kind kind, const char *name,
                     FILE *complaints)
{
    struct record r;
    struct record_reader *reader = record_reader_new(in, kind);
    enum record_error error = RECORD_OK;
    bool memory = reader != NULL;
    while (memory && (error = record_read(reader, &r)) == RECORD_OK) {
        if (kind == RECORD_SENT)
            memory = add_message(v, &r);
        else
            join(v, &r);
    }
    if (!memory)
        fprintf(complaints, "%s: too many records for this machine's memory\n", name);
    else if (error != RECORD_END)
        fprintf(complaints, "%s:%llu: %s\n", name, (unsigned long long)record_reader_line(reader),
                record_error_text(error));
    else if (record_reader_cut(reader))
        v->result.facts[VERIFY_FACT_cut]++;
    record_reader_free(reader);
    return memory && error == RECORD_END;
}

bool verify_expect_all(struct verify *v, char *text)
{
    for (char *one = strtok(text, ","); one != NULL; one = strtok(NULL, ",")) {
        char *equals = strchr(one, '=');
        if (equals == NULL)
            return false;
        *equals = '\0';
        if (!verify_expect(v, one, equals + 1))
            return false;
    }
    return true;
}

bool verify_sent(struct verify *v, FILE *in, const char *name, FILE *complaints)
{
    return read_all(v, in, RECORD_SENT, name, complaints);
}

bool verify_received(struct verify *v, FILE *in, const char *name, FILE *complaints)
{
    if (v->slots == NULL && !index_messages(v)) {
        fclose(in);
        fprintf(complaints, "%s: too many records for this machine's memory\n", name);
        return false;
    }
    return read_all(v, in, RECORD_RECEIVED, name, complaints);
}

void verify_finish(struct verify *v, struct verify_result *out)
{
    for (uint32_t i = 0; i < v->message_count; i++) {
        const struct message *m = &v->messages[i];
        for (uint32_t j = m->first; is_accepted(m) && j < m->first + m->count; j++) {
            if ((v->recipients[j] & SEEN_BIT) == 0)
                fault(v, VERIFY_FAULT_lost, m->id);
        }
    }
    *out = v->result;
}

bool verify_holds(const struct verify_result *r)
{
    for (unsigned i = 0; i < VERIFY_FAULT_COUNT; i++) {
        if (r->faults[i] != 0)
            return false;
    }
    return true;
}

#define ROW(name, text) {#name, text},
static const struct row {
    const char *name, *text;
} fact_rows[] = {VERIFY_FACTS(ROW)}, fault_rows[] = {VERIFY_FAULTS(ROW)};

static unsigned example_count(const struct verify_result *r, unsigned which)
{
    return r->faults[which] < VERIFY_EXAMPLES ? (unsigned)r->faults[which] : VERIFY_EXAMPLES;
}

/* As in the X-Smtpgen field, with a NUL. */
static const char *id_text(uint64_t id, char *buf)
{
    record_id_format((uint32_t)(id >> 32), (uint32_t)id, buf);
    buf[RECORD_ID_SIZE] = '\0';
    return buf;
}

void verify_print(const struct verify_result *r, FILE *out)
{
    char number[NUMBER_SIZE], id[RECORD_ID_SIZE + 1];
    for (unsigned i = 0; i < VERIFY_FACT_COUNT; i++)
        fprintf(out, "%-60s %15s\n", fact_rows[i].text, number_whole(number, r->facts[i]));
    fprintf(out, "\n");
    for (unsigned i = 0; i < VERIFY_FAULT_COUNT; i++) {
        fprintf(out, "%-60s %15s\n", fault_rows[i].text, number_whole(number, r->faults[i]));
        for (unsigned j = 0; j < example_count(r, i); j++)
            fprintf(out, "    %s\n", id_text(r->examples[i][j], id));
    }
    fprintf(out, "\n%s\n", verify_holds(r) ? "accepted = delivered" : "FAULTS");
}

json_t *verify_json(const struct verify_result *r)
{
    char id[RECORD_ID_SIZE + 1];
    json_t *o = json_object(), *faults = json_object(), *examples = json_object();
    json_object_set_new(o, "holds", json_boolean(verify_holds(r)));
    for (unsigned i = 0; i < VERIFY_FACT_COUNT; i++)
        json_object_set_new(o, fact_rows[i].name, json_integer((json_int_t)r->facts[i]));
    for (unsigned i = 0; i < VERIFY_FAULT_COUNT; i++) {
        json_t *ids = json_array();
        for (unsigned j = 0; j < example_count(r, i); j++)
            json_array_append_new(ids, json_string(id_text(r->examples[i][j], id)));
        json_object_set_new(faults, fault_rows[i].name, json_integer((json_int_t)r->faults[i]));
        if (json_array_size(ids) > 0)
            json_object_set(examples, fault_rows[i].name, ids);
        json_decref(ids);
    }
    json_object_set_new(o, "faults", faults);
    json_object_set_new(o, "examples", examples);
    return o;
}

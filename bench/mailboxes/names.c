/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of people at domains. */
#include "bench/mailboxes/names.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/route/hash.h"
#include "config/memory.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DOMAIN_SIZE     64
#define LOCAL_SIZE      64

/* Common ones first. */
static const char *const given[] = {
    "james",     "mary",       "michael",   "patricia",   "robert",      "jennifer",  "john",
    "linda",     "david",      "elizabeth", "william",    "barbara",     "richard",   "susan",
    "joseph",    "jessica",    "thomas",    "karen",      "christopher", "sarah",     "charles",
    "lisa",      "daniel",     "nancy",     "matthew",    "sandra",      "anthony",   "betty",
    "mark",      "ashley",     "donald",    "emily",      "steven",      "kimberly",  "andrew",
    "margaret",  "paul",       "donna",     "joshua",     "michelle",    "kenneth",   "carol",
    "kevin",     "amanda",     "brian",     "melissa",    "george",      "deborah",   "timothy",
    "stephanie", "ronald",     "rebecca",   "jason",      "laura",       "edward",    "helen",
    "jeffrey",   "sharon",     "ryan",      "cynthia",    "jacob",       "kathleen",  "gary",
    "amy",       "nicholas",   "angela",    "eric",       "shirley",     "jonathan",  "anna",
    "stephen",   "brenda",     "larry",     "pamela",     "justin",      "emma",      "scott",
    "nicole",    "brandon",    "samantha",  "benjamin",   "katherine",   "samuel",    "christine",
    "gregory",   "debra",      "alexander", "rachel",     "patrick",     "carolyn",   "frank",
    "janet",     "raymond",    "catherine", "jack",       "maria",       "dennis",    "heather",
    "jerry",     "diane",      "tyler",     "ruth",       "aaron",       "julie",     "jose",
    "olivia",    "adam",       "joyce",     "nathan",     "virginia",    "henry",     "victoria",
    "zachary",   "kelly",      "douglas",   "lauren",     "peter",       "christina", "kyle",
    "joan",      "noah",       "evelyn",    "ethan",      "judith",      "jeremy",    "andrea",
    "christian", "hannah",     "walter",    "jacqueline", "keith",       "cheryl",    "austin",
    "megan",     "roger",      "alice",     "terry",      "ann",         "sean",      "jean",
    "gerald",    "doris",      "carl",      "kathryn",    "dylan",       "julia",     "harold",
    "grace",     "jordan",     "jesse",     "bryan",      "lawrence",    "arthur",    "gabriel",
    "bruce",     "hans",       "juergen",   "klaus",      "petra",       "sabine",    "stefan",
    "uwe",       "wolfgang",   "ursula",    "monika",     "heike",       "anja",      "katrin",
    "torsten",   "matthias",   "jan",       "pierre",     "jean-luc",    "francois",  "marie",
    "isabelle",  "sophie",     "nicolas",   "camille",    "antoine",     "giulia",    "marco",
    "luca",      "francesca",  "paolo",     "alessandro", "chiara",      "sofia",     "pablo",
    "carlos",    "javier",     "carmen",    "lucia",      "ana",         "manuel",    "jorge",
    "luis",      "miguel",     "joao",      "pedro",      "rita",        "ines",      "wei",
    "ming",      "li",         "fang",      "xiu",        "jing",        "hiroshi",   "yuki",
    "kenji",     "sakura",     "haruto",    "aiko",       "priya",       "rahul",     "amit",
    "sunita",    "anil",       "deepak",    "neha",       "sanjay",      "fatima",    "ahmed",
    "mohammed",  "ali",        "hassan",    "aisha",      "omar",        "layla",     "ibrahim",
    "yusuf",     "olga",       "ivan",      "dmitri",     "natalia",     "sergei",    "elena",
    "tatiana",   "alexei",     "piotr",     "anna-maria", "katarzyna",   "tomasz",    "agnieszka",
    "krzysztof", "malgorzata", "lars",      "ingrid",     "bjorn",       "astrid",    "erik",
    "freja",     "mikko",      "aino",      "juha",       "sanna",       "bas",       "femke",
    "daan",      "sanne",
};
static const char *const surnames[] = {
    "smith",       "johnson",    "williams",  "brown",      "jones",     "garcia",
    "miller",      "davis",      "rodriguez", "martinez",   "hernandez", "lopez",
    "gonzalez",    "wilson",     "anderson",  "thomas",     "taylor",    "moore",
    "jackson",     "martin",     "lee",       "perez",      "thompson",  "white",
    "harris",      "sanchez",    "clark",     "ramirez",    "lewis",     "robinson",
    "walker",      "young",      "allen",     "king",       "wright",    "scott",
    "torres",      "nguyen",     "hill",      "flores",     "green",     "adams",
    "nelson",      "baker",      "hall",      "rivera",     "campbell",  "mitchell",
    "carter",      "roberts",    "gomez",     "phillips",   "evans",     "turner",
    "diaz",        "parker",     "cruz",      "edwards",    "collins",   "reyes",
    "stewart",     "morris",     "morales",   "murphy",     "cook",      "rogers",
    "gutierrez",   "ortiz",      "morgan",    "cooper",     "peterson",  "bailey",
    "reed",        "kelly",      "howard",    "ramos",      "kim",       "cox",
    "ward",        "richardson", "watson",    "brooks",     "chavez",    "wood",
    "james",       "bennett",    "gray",      "mendoza",    "ruiz",      "hughes",
    "price",       "alvarez",    "castillo",  "sanders",    "patel",     "myers",
    "long",        "ross",       "foster",    "jimenez",    "powell",    "jenkins",
    "perry",       "russell",    "sullivan",  "bell",       "coleman",   "butler",
    "henderson",   "barnes",     "gonzales",  "fisher",     "vasquez",   "simmons",
    "romero",      "jordan",     "patterson", "alexander",  "hamilton",  "graham",
    "reynolds",    "griffin",    "wallace",   "moreno",     "west",      "cole",
    "hayes",       "bryant",     "herrera",   "gibson",     "ellis",     "tran",
    "medina",      "aguilar",    "stevens",   "murray",     "ford",      "castro",
    "marshall",    "owens",      "harrison",  "fernandez",  "mcdonald",  "woods",
    "washington",  "kennedy",    "wells",     "vargas",     "henry",     "chen",
    "freeman",     "webb",       "tucker",    "guzman",     "burns",     "crawford",
    "olson",       "simpson",    "porter",    "hunter",     "gordon",    "mendez",
    "silva",       "shaw",       "snyder",    "mason",      "dixon",     "munoz",
    "hunt",        "hicks",      "holmes",    "palmer",     "wagner",    "black",
    "robertson",   "boyd",       "rose",      "stone",      "salazar",   "fox",
    "warren",      "mills",      "meyer",     "rice",       "schmidt",   "garza",
    "daniels",     "ferguson",   "nichols",   "stephens",   "soto",      "weaver",
    "ryan",        "gardner",    "payne",     "grant",      "dunn",      "kelley",
    "spencer",     "hawkins",    "arnold",    "pierce",     "hansen",    "peters",
    "santos",      "hart",       "bradley",   "knight",     "elliott",   "cunningham",
    "duncan",      "armstrong",  "hudson",    "carroll",    "lane",      "riley",
    "andrews",     "alvarado",   "ray",       "delgado",    "berry",     "perkins",
    "hoffman",     "johnston",   "matthews",  "pena",       "richards",  "contreras",
    "willis",      "carpenter",  "lawrence",  "sandoval",   "mueller",   "schneider",
    "fischer",     "weber",      "schulz",    "becker",     "schaefer",  "koch",
    "bauer",       "klein",      "wolf",      "schroeder",  "neumann",   "schwarz",
    "zimmermann",  "braun",      "krueger",   "hofmann",    "hartmann",  "lange",
    "werner",      "krause",     "lehmann",   "schmid",     "schulze",   "maier",
    "koehler",     "herrmann",   "koenig",    "walter",     "mayer",     "huber",
    "kaiser",      "fuchs",      "lang",      "dubois",     "bernard",   "petit",
    "durand",      "leroy",      "moreau",    "simon",      "laurent",   "lefebvre",
    "michel",      "garnier",    "rousseau",  "blanc",      "guerin",    "muller",
    "faure",       "rossi",      "russo",     "ferrari",    "esposito",  "bianchi",
    "romano",      "colombo",    "ricci",     "marino",     "greco",     "bruno",
    "gallo",       "conti",      "deluca",    "costa",      "ferreira",  "pereira",
    "oliveira",    "sousa",      "rodrigues", "almeida",    "carvalho",  "wang",
    "zhang",       "liu",        "yang",      "huang",      "zhao",      "wu",
    "zhou",        "xu",         "sun",       "ma",         "zhu",       "hu",
    "guo",         "he",         "lin",       "gao",        "luo",       "sato",
    "suzuki",      "takahashi",  "tanaka",    "watanabe",   "ito",       "yamamoto",
    "nakamura",    "kobayashi",  "kato",      "yoshida",    "kumar",     "singh",
    "sharma",      "gupta",      "verma",     "reddy",      "khan",      "hussain",
    "ahmed",       "ivanov",     "petrov",    "sidorov",    "smirnov",   "kuznetsov",
    "popov",       "nowak",      "kowalski",  "wisniewski", "wojcik",    "kaminski",
    "lewandowski", "johansson",  "andersson", "karlsson",   "nilsson",   "eriksson",
    "larsson",     "virtanen",   "korhonen",  "nieminen",   "jansen",    "devries",
    "vandenberg",  "bakker",     "visser",    "smit",       "meijer",    "debruijn",
    "okafor",      "adeyemi",    "mensah",    "abebe",      "diallo",    "ndiaye",
    "cohen",       "levi",       "yilmaz",    "kaya",       "demir",     "papadopoulos",
    "nagy",        "kovacs",     "toth",      "horvat",     "novak",     "svoboda",
    "dvorak",      "popescu",    "ionescu",
};
static const char *const roles[] = {
    "info",      "sales",    "support",   "office",  "contact",  "admin",   "billing",
    "hr",        "jobs",     "marketing", "press",   "accounts", "service", "team",
    "webmaster", "helpdesk", "orders",    "privacy", "security", "abuse",
};

static const char *const tlds[] = {"com", "com", "com",   "com", "org",
                                   "net", "de",  "co.uk", "edu", "fr"};

struct maker {
    struct names *n;
    uint64_t random;
    double *domain_share; /* the sum of shares up to each */
    char (*domains)[DOMAIN_SIZE];
    uint32_t domain_count;
    unsigned family;
    size_t text_len;
    uint64_t *seen; /* hashes of keys by open addressing: two that are alike count as one */
    uint64_t seen_mask;
};

static double unit(struct maker *m)
{
    return (double)(names_random(&m->random) >> 11) * 0x1p-53;
}

/* The rank of one of `count`, Zipf: how many have the first r of them grows as log r. */
static size_t rank(struct maker *m, size_t count)
{
    return (size_t)exp(unit(m) * log((double)count + 1)) - 1;
}

static const char *pick(struct maker *m, const char *const *list, size_t count)
{
    size_t i = rank(m, count);
    return list[i < count ? i : count - 1];
}

static void make_domains(struct maker *m)
{
    double sum = 0;
    m->domains = memory_new(m->domain_count, DOMAIN_SIZE);
    m->domain_share = memory_new(m->domain_count, sizeof(double));
    for (uint32_t i = 0; i < m->domain_count; i++) {
        const char *a = surnames[names_random(&m->random) % COUNT_OF(surnames)];
        const char *b = surnames[names_random(&m->random) % COUNT_OF(surnames)];
        const char *tld = tlds[names_random(&m->random) % COUNT_OF(tlds)];
        if (i % 3 == 0)
            snprintf(m->domains[i], DOMAIN_SIZE, "%s-%x.%s", a, i, tld);
        else if (i % 3 == 1)
            snprintf(m->domains[i], DOMAIN_SIZE, "mail.%s%x.%s", a, i, tld);
        else
            snprintf(m->domains[i], DOMAIN_SIZE, "%s%s%x.%s", a, b, i, tld);
        m->domain_share[i] = sum += 1 / (double)(i + 1);
    }
}

static const char *pick_domain(struct maker *m)
{
    double wanted = unit(m) * m->domain_share[m->domain_count - 1];
    uint32_t low = 0, high = m->domain_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->domain_share[middle] > wanted)
            high = middle;
        else
            low = middle + 1;
    }
    return m->domains[low];
}

/* Without digits. */
static void make_local(struct maker *m, char *out)
{
    const char *g = pick(m, given, COUNT_OF(given)), *s = pick(m, surnames, COUNT_OF(surnames));
    char middle = (char)('a' + names_random(&m->random) % 26);
    unsigned style = (unsigned)(names_random(&m->random) % 100);
    if (style < 40)
        snprintf(out, LOCAL_SIZE, "%s.%s", g, s);
    else if (style < 58)
        snprintf(out, LOCAL_SIZE, "%c%s", g[0], s);
    else if (style < 68)
        snprintf(out, LOCAL_SIZE, "%s.%c.%s", g, middle, s);
    else if (style < 76)
        snprintf(out, LOCAL_SIZE, "%s%c", g, s[0]);
    else if (style < 84)
        snprintf(out, LOCAL_SIZE, "%s_%s", g, s);
    else if (style < 91)
        snprintf(out, LOCAL_SIZE, "%c%c%s", g[0], middle, s);
    else if (style < 98)
        snprintf(out, LOCAL_SIZE, "%s.%c", s, g[0]);
    else
        snprintf(out, LOCAL_SIZE, "%s", pick(m, roles, COUNT_OF(roles)));
}

static bool see(struct maker *m, uint64_t hash)
{
    uint64_t slot = hash;
    while (m->seen[slot & m->seen_mask] != 0) {
        if (m->seen[slot & m->seen_mask] == hash)
            return false;
        slot++;
    }
    m->seen[slot & m->seen_mask] = hash;
    return true;
}

/* Who finds a name taken gets digits, more of them the more were in vain. The family is in their
 * last bit. */
static void make_key(struct maker *m)
{
    const char *domain = pick_domain(m);
    char local[LOCAL_SIZE], *key = m->n->text + m->text_len;
    make_local(m, local);
    unsigned digits = 10;
    for (unsigned attempt = 0;; attempt++) {
        unsigned number = (unsigned)(names_random(&m->random) % digits) * 2 + m->family;
        int len = attempt == 0 && m->family == 0
                      ? sprintf(key, "\n%s@%s\n", local, domain)
                      : sprintf(key, "\n%s%u@%s\n", local, number, domain);
        if (see(m, hash_bytes(key, (size_t)len))) {
            m->n->entries[m->n->count++] = (struct set_entry){key, (uint16_t)len, false};
            m->text_len += (size_t)len;
            return;
        }
        if (attempt % 2 == 1 && digits < 100000000)
            digits *= 10;
    }
}

void names_make(struct names *n, uint32_t count, uint32_t domains, unsigned family)
{
    struct maker m = {.n = n, .random = 88172645463325252u, .family = family};
    m.domain_count = domains;
    make_domains(&m);
    m.random += family;
    for (m.seen_mask = 1; m.seen_mask < (uint64_t)count * 2; m.seen_mask *= 2)
        ;
    m.seen = memory_new(m.seen_mask--, sizeof(*m.seen));
    n->count = 0;
    n->entries = memory_new(count, sizeof(*n->entries));
    n->text = memory_must(malloc((size_t)count * (LOCAL_SIZE + DOMAIN_SIZE)));
    while (n->count < count)
        make_key(&m);
    free(m.seen);
    free(m.domains);
    free(m.domain_share);
}

void names_free(struct names *n)
{
    free(n->entries);
    free(n->text);
}

size_t names_text_size(const struct names *n)
{
    const struct set_entry *last = &n->entries[n->count - 1];
    return (size_t)(last->key + last->len - n->text);
}

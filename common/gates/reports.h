/* What a bundle knows of its own security: which scan reports travel with it and what is in them, which SBOMs, which packages. Made by
 * create, kept as reports/summary.json (docs/FORMAT.md section 2.1), shown by inspect, which so reads no scanner's document. */
#ifndef GATES_REPORTS_H
#define GATES_REPORTS_H

#include "base/buf.h"
#include "format/jwrite.h"
#include "gates/scan.h"

#define REPORTS_FOLDER "reports/"
#define REPORTS_SUMMARY "reports/summary.json"
#define REPORTS_SBOM "reports/sbom.cdx.json"

struct reports_image { /* of the bundle */
    char *reference;
    char *platform; /* "linux/amd64"; empty: all of them */
};
struct reports_images {
    struct reports_image *items;
    size_t n, cap;
};

/* Is the report about what is packed? */
enum reports_match {
    REPORTS_UNKNOWN, /* it names nothing that could be compared */
    REPORTS_OTHER,   /* it names digests, and none of them is in the bundle */
    REPORTS_NAME,    /* a reference is the same, digests it has not: perhaps another image of that name */
    REPORTS_DIGEST,  /* a digest is the same */
};
struct reports_scan {
    char *member;
    struct digest sha256; /* of the report */
    enum reports_match match;
    struct reports_images images; /* that it covers */
    struct scan scan;             /* without digests and names */
};

enum reports_sbom_kind { REPORTS_SPDX, REPORTS_CYCLONEDX };
struct reports_sbom { /* somebody else's, found beside an image */
    struct reports_image image;
    enum reports_sbom_kind kind;
    char *member;
};

/* Kinds of package databases, bits of a set. */
enum reports_database { REPORTS_DPKG = 1, REPORTS_APK = 2, REPORTS_RPM = 4 };
struct reports_packages { /* of one image, in reports/sbom.cdx.json */
    struct reports_image image;
    char *distro; /* "debian-12", or empty */
    uint64_t n;
    unsigned found;  /* databases that were read */
    unsigned unread; /* and those that were there and were not */
};

struct reports {
    struct reports_scan *scans;
    size_t n_scans, cap_scans;
    struct reports_images unscanned; /* when there are scans: what none of them covers */
    bool has_fail_on;
    enum severity fail_on; /* nothing at or above it was found */
    struct reports_sbom *sboms;
    size_t n_sboms, cap_sboms;
    bool has_packages;
    struct reports_packages *packages;
    size_t n_packages, cap_packages;
};

/* Copies both texts. */
struct reports_image reports_image_of(const char *reference, const char *platform);
void reports_images_add(struct reports_images *list, const char *reference, const char *platform);

/* "match" in the document. */
const char *reports_match_name(enum reports_match m);
const char *reports_sbom_kind_name(enum reports_sbom_kind k);
/* "dpkg, apk"; empty for none. */
struct reports_databases_text {
    char text[32];
};
const char *reports_databases(struct reports_databases_text *out, unsigned set);

/* Is there anything to tell? */
bool reports_are_empty(const struct reports *r);
/* The same values give the same bytes. ERR_FORMAT over LIMIT_REPORTS_BYTES. */
MUST_CHECK bool reports_write(const struct reports *r, struct buf *out, struct err *e);
/* Parts of the document, which inspect shows in the same form. An entry of "scans": in the document severities without a finding are left
 * out. */
enum reports_zeros { REPORTS_ZEROS_LEFT_OUT, REPORTS_ZEROS_SHOWN };
void reports_write_scan(struct jwrite *w, const struct reports_scan *x, enum reports_zeros zeros);
void reports_write_images(struct jwrite *w, const char *key, const struct reports_images *list);
/* "reference" and "platform", in an object that is open. */
void reports_write_image_keys(struct jwrite *w, const struct reports_image *x);
/* Strict. ERR_FORMAT "reports/summary.json: ..."; out is then empty. */
MUST_CHECK bool reports_read(struct reports *out, const char *text, size_t n, struct err *e);
void reports_clear(struct reports *r);
void reports_clear_auto(struct reports *r);

#endif

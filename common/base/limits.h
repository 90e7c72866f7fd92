/* Every maximum, with its unit and the reason. A number from outside meets one of these before memory or disk does. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stdint.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* text */
enum {
    LIMIT_PATH_BYTES = 4096,       /* PATH_MAX */
    LIMIT_URL_BYTES = 8192,        /* redirects to object stores carry signatures of 2 KiB and more */
    LIMIT_REF_BYTES = 512,         /* image reference: 255 for the name, 128 for the tag, 71 for the digest, host */
    LIMIT_NAME_BYTES = 100,        /* member name: fits the ustar name field, so no prefix and no pax */
    LIMIT_NAME_DEPTH = 8,          /* folders in a member name */
    LIMIT_VERSION_BYTES = 128,     /* semantic version text */
};

/* documents */
#define LIMIT_JSON_DEPTH 16                  /* our own and OCI documents need less than 10 */
#define LIMIT_JSON_BYTES (64 * MIB)          /* any document; each reader has its own, smaller limit */
#define LIMIT_JSON_VALUES 500000             /* about 100 bytes of memory each; 100 000 members are 400 000 values */
#define LIMIT_JSON_NUMBER (((uint64_t)1 << 53) - 1) /* the largest whole number that every JSON reader keeps exact */
#define LIMIT_JSON_NUMBER_CHARS 40           /* cJSON's own number buffer is 64 (CVE-2023-26819) */
#define LIMIT_CONFIG_FILE_BYTES (1 * MIB)    /* bundle.yaml, compose files, policy, credentials */
#define LIMIT_OCI_MANIFEST_BYTES (4 * MIB)   /* distribution-spec: 4 MiB is what registries accept */
#define LIMIT_OCI_CONFIG_BYTES (20 * MIB)    /* containerd's JSON limit */
#define LIMIT_INDEX_ENTRIES 1000             /* entries of an image index */
#define LIMIT_LAYERS_PER_IMAGE 512           /* Docker's own maximum is 127 */
#define LIMIT_YAML_NODES 100000              /* nodes after anchors are expanded */
#define LIMIT_YAML_DEPTH 32
#define LIMIT_SQL_FILE_BYTES (64 * MIB)
#define LIMIT_SQL_FILES 10000                /* four digits */
#define LIMIT_SQL_STATEMENTS 1000000         /* in one file; 24 MB of positions */
#define LIMIT_SQL_NAME_BYTES 80              /* with folder it stays below LIMIT_NAME_BYTES */
#define LIMIT_SQL_TIMEOUT_MS (7 * 24 * 3600 * (uint64_t)1000) /* a week: rewriting a table of some TB; fits PostgreSQL's int */
#define LIMIT_DB_URL_FILE_BYTES (8 * KIB)    /* one line */
#define LIMIT_DB_PASSWORD_BYTES 1024         /* more than libpq and poolers accept everywhere */
#define LIMIT_KEY_FILE_BYTES (16 * KIB)
#define LIMIT_CA_FILE_BYTES (1 * MIB)        /* 500 certificates of 2 KiB */

/* bundle (FORMAT.md) */
#define LIMIT_MANIFEST_BYTES (4 * MIB)
#define LIMIT_CHUNK_BYTES (4 * MIB)
#define LIMIT_CHUNKS 1000000                 /* 4 TiB; the table is then 40 MB */
#define LIMIT_SIGNATURES 16
#define LIMIT_SIGNATURE_BYTES 128
#define LIMIT_CMS_SIGNATURES 4
#define LIMIT_CMS_BYTES (16 * KIB)
#define LIMIT_MEMBER_BYTES (8 * GIB - 1)     /* 11 octal digits */
#define LIMIT_MEMBERS 100000
#define LIMIT_LAYERS 100000
#define LIMIT_IMAGES 10000
#define LIMIT_LAYER_BYTES (1024 * GIB)       /* raw tar of one layer */
#define LIMIT_RELEASE_BYTES (16 * MIB)
#define LIMIT_BLOB_BYTES (256 * GIB)         /* compressed layer in a registry */

/* the machine */
enum {
    LIMIT_TREE_DEPTH = 64,       /* folders below a directory that is walked or removed: one descriptor each */
    LIMIT_TREE_FILES = 1000000,  /* entries of one directory */
    LIMIT_LINE_BYTES = 4096,     /* one line of a child's output, or typed by a person */
    LIMIT_SECRET_BYTES = 4096,   /* a password or passphrase */
};

#endif

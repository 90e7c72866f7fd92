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
#define LIMIT_REPORT_VALUES 2000000          /* a scanner's report: about 100 for each of 20 000 findings; 200 MB while it is read */
#define LIMIT_CONFIG_FILE_BYTES (1 * MIB)    /* bundle.yaml, compose files, policy, credentials */
#define LIMIT_OCI_MANIFEST_BYTES (4 * MIB)   /* distribution-spec: 4 MiB is what registries accept */
#define LIMIT_OCI_CONFIG_BYTES (20 * MIB)    /* containerd's JSON limit */
#define LIMIT_DOCUMENT_BYTES (32 * MIB)      /* one attestation or signature: the SBOM of a large image is 20 MiB */
#define LIMIT_DOCUMENTS_PER_IMAGE 512        /* about four for each attestation of each platform */
#define LIMIT_IMAGE_DOCUMENTS_BYTES (256 * MIB) /* of one image together */
#define LIMIT_ARTIFACT_LAYERS 256            /* signatures in one manifest: each is fetched and verified with each key */
#define LIMIT_REFERRERS 256                  /* artifacts beside one image */
#define LIMIT_REFERRER_PAGES 16              /* of a list that a registry gives in parts */
#define LIMIT_SIGNED_PAYLOAD_BYTES (64 * KIB) /* what a classic cosign signature signs has 250 bytes and the signer's own notes */
#define LIMIT_SIGNATURE_BUNDLE_BYTES (1 * MIB) /* a Sigstore bundle with certificates and log entries has 10 KiB */
#define LIMIT_DSSE_SIGNATURES 16             /* of one envelope */
#define LIMIT_IMAGE_SIGNATURE_TEXT 2048      /* base64; RSA with 8192 bits is 1368 */
#define LIMIT_STATEMENT_SUBJECTS 1000
#define LIMIT_IMAGE_KEYS 64                  /* that may sign images, over all rules */
#define LIMIT_INDEX_ENTRIES 1000             /* entries of an image index */
#define LIMIT_LAYERS_PER_IMAGE 512           /* Docker's own maximum is 127 */
#define LIMIT_YAML_NODES 100000              /* nodes after anchors are expanded */
#define LIMIT_YAML_DEPTH 32
#define LIMIT_YAML_ANCHORS 1000              /* each alias looks through them */
#define LIMIT_YAML_TAG_DIRECTIVES 16         /* libyaml compares each with all others */
#define LIMIT_SQL_FILE_BYTES (64 * MIB)
#define LIMIT_SQL_FILES 10000                /* four digits */
#define LIMIT_SQL_STATEMENTS 1000000         /* in one file; 24 MB of positions */
#define LIMIT_SQL_NAME_BYTES 80              /* with folder it stays below LIMIT_NAME_BYTES */
#define LIMIT_SQL_TIMEOUT_MS (7 * 24 * 3600 * (uint64_t)1000) /* a week: rewriting a table of some TB; fits PostgreSQL's int */
#define LIMIT_DB_URL_FILE_BYTES (8 * KIB)    /* one line */
#define LIMIT_DB_PASSWORD_BYTES 1024         /* more than libpq and poolers accept everywhere */
#define LIMIT_KEY_FILE_BYTES (16 * KIB)
#define LIMIT_LOGIN_BYTES (32 * KIB)         /* password or token of a registry: those of ECR and ACR are several KiB */
#define LIMIT_CA_FILE_BYTES (1 * MIB)        /* 500 certificates of 2 KiB */

/* the application: definition, compose files, variables */
#define LIMIT_FINDINGS 200                   /* nobody reads more, and a broken file can have one per line */
#define LIMIT_SERVICES 1000
#define LIMIT_VARIABLES 1000
#define LIMIT_LIST_ITEMS 10000               /* any other list of a definition or release */
#define LIMIT_COMPOSE_FILES 32               /* given and reached through extends */
#define LIMIT_APP_FILES 20000                /* below app/ */
#define LIMIT_APP_TEXT_BYTES (64 * MIB)      /* compose files and SQL of one application, held in memory */
#define LIMIT_EXTENDS_DEPTH 8
#define LIMIT_TEMPLATE_DEPTH 4               /* ${A:-${B:-...}} */
#define LIMIT_VALUE_BYTES (32 * KIB)         /* one variable; the kernel passes at most 128 KiB per string */
#define LIMIT_ENV_FILE_BYTES (1 * MIB)
#define LIMIT_PATTERN_BYTES 512
#define LIMIT_PATTERN_REPEAT 65536           /* product of the interval bounds: glibc expands them in memory */
#define LIMIT_GENERATE 256
#define LIMIT_HEALTH_TIMEOUT_S 86400

#define LIMIT_CA_CERTS 500
#define LIMIT_PUBLIC_ROOTS_BYTES (8 * MIB)   /* Debian's file is 220 KiB */
#define LIMIT_TRUSTED_KEYS 256               /* a signature of an unknown name is tried with each */

/* bundle (FORMAT.md) */
#define LIMIT_MANIFEST_BYTES (4 * MIB)
#define LIMIT_PARTS 999                      /* three digits */
#define LIMIT_PART_MIN_BYTES (1 * MIB)       /* smaller ones would be more work than use; a chunk then lies in at most six */
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
#define LIMIT_LAYOUT_BYTES (16 * MIB)         /* index.json and manifest.json of all images of a bundle: 100 bytes for each layer of each image */
#define LIMIT_INVENTORY_BYTES (16 * MIB)     /* what a host has: 100 000 layers are 8 MiB */
#define LIMIT_INVENTORY_RELEASES 1000        /* installed and kept ones */
#define LIMIT_PARITY_DATA_BLOCKS (1 << 20)   /* of a bundle that parity covers: 8 MiB of hashes; with 4 MiB a block that are 4 TiB */
#define LIMIT_PARITY_BLOCKS (5 << 19)         /* of the bundle and its parity file: with half of all that are twice as many, and a few */
#define LIMIT_PARITY_BLOCK_BYTES (4 * MIB)
#define LIMIT_PARITY_PERCENT 50              /* beyond that a second copy does more */
#define LIMIT_REPAIR_RANGES 1000             /* damaged places that are named one by one */
#define LIMIT_BLOB_BYTES (256 * GIB)         /* compressed layer in a registry */

/* export of root file systems */
#define LIMIT_ROOTFS_NAMES 4000000           /* of one image, those that later layers remove included: 60 bytes of memory each; the largest images have a million */
#define LIMIT_ROOTFS_NAME_BYTES (256 * MIB)  /* of all of them together */
#define LIMIT_ROOTFS_ENTRIES 1000000000      /* of all layers together: counted in 32 bits */

/* gates: scan reports, lists of packages */
#define LIMIT_SCAN_REPORT_BYTES (64 * MIB)   /* tens of MB are usual for a large image */
#define LIMIT_SCAN_REPORTS 1000              /* one for each image */
#define LIMIT_SCAN_FINDINGS 1000000          /* of one list */
#define LIMIT_SCAN_TARGETS 50                /* of one report; what is beyond is counted together */
#define LIMIT_REPORTS_BYTES (32 * MIB)       /* reports/summary.json: 1000 reports with 50 targets each */
#define LIMIT_LAYER_ENTRIES 10000000         /* files of one layer; the largest images have a million */
#define LIMIT_LAYER_KEPT 10000               /* package databases, whiteouts of them: distroless images have one file for each package */
#define LIMIT_IMAGE_KEPT 100000              /* the same of all layers of an image: each is compared with all that lie below it */
#define LIMIT_LAYER_KEPT_BYTES (2 * GIB)     /* of one layer, counting what a later entry replaces: a layer of 1 MB can repeat a file of zeros for ever */
#define LIMIT_SPOOL_BYTES (64 * GIB)         /* package databases of all layers of a bundle */
#define LIMIT_IMAGE_PACKAGES_BYTES (256 * MIB) /* text that is read for one image: thousands of hard links can lead to one file */
#define LIMIT_PACKAGES_TEXT_BYTES (64 * MIB) /* dpkg's status, apk's installed: 100 000 packages */
#define LIMIT_PACKAGES_DB_BYTES (1 * GIB)    /* rpm's database */
#define LIMIT_PACKAGES 200000                /* of one image: all that Debian has */
#define LIMIT_PACKAGE_WORD_BYTES 256         /* a name, a version */
#define LIMIT_SBOM_BYTES (256 * MIB)
#define LIMIT_SCAN_IDENTITIES 1000           /* digests and names of one report */

/* the machine */
enum {
    LIMIT_TREE_DEPTH = 64,       /* folders below a directory that is walked or removed: one descriptor each */
    LIMIT_TREE_FILES = 1000000,  /* entries of one directory */
    LIMIT_LINE_BYTES = 4096,     /* one line of a child's output, or typed by a person */
    LIMIT_SECRET_BYTES = 4096,   /* a password or passphrase */
};

#endif

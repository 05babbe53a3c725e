#ifndef CWEBASSETS_H
#define CWEBASSETS_H

#include <stddef.h>
#include <stdint.h>

/* A file of the page, as it lies in the binary. */
typedef struct {
    const char *path;         /* where it is served, "/" or "/name" */
    const char *content_type;
    const uint8_t *bytes;
    size_t length;
} cw_asset;

/* All files; their number goes to *count. */
const cw_asset *cw_assets(size_t *count);

#endif

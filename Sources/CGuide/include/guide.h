#ifndef CGUIDE_H
#define CGUIDE_H

#include <stddef.h>
#include <stdint.h>

/* The built-in guide's weights, a GGUF file (Tools/guide/CARD.md); its length goes to *length. */
const uint8_t *cg_guide(size_t *length);

#endif

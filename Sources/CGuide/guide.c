#include "guide.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

_Alignas(64) static const uint8_t weights[] = {
#embed "guide.gguf"
};

const uint8_t *cg_guide(size_t *length) {
    *length = sizeof weights;
    return weights;
}

#include "webassets.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t index_html[] = {
#embed "web/index.html"
};

static const cw_asset assets[] = {
    {"/", "text/html; charset=utf-8", index_html, sizeof index_html},
};

const cw_asset *cw_assets(size_t *count) {
    *count = sizeof assets / sizeof assets[0];
    return assets;
}

#include "webassets.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

/* The page, file by file: what is listed here is all that a browser can load. */

static const uint8_t index_html[] = {
#embed "web/index.html"
};
static const uint8_t app_js[] = {
#embed "web/app.js"
};
static const uint8_t bytes_js[] = {
#embed "web/bytes.js"
};
static const uint8_t channel_js[] = {
#embed "web/channel.js"
};
static const uint8_t chat_js[] = {
#embed "web/chat.js"
};
static const uint8_t composer_js[] = {
#embed "web/composer.js"
};
static const uint8_t dialog_js[] = {
#embed "web/dialog.js"
};
static const uint8_t dom_js[] = {
#embed "web/dom.js"
};
static const uint8_t entry_js[] = {
#embed "web/entry.js"
};
static const uint8_t explain_js[] = {
#embed "web/explain.js"
};
static const uint8_t hpke_js[] = {
#embed "web/hpke.js"
};
static const uint8_t icon_svg[] = {
#embed "web/icon.svg"
};
static const uint8_t inline_js[] = {
#embed "web/inline.js"
};
static const uint8_t markdown_js[] = {
#embed "web/markdown.js"
};
static const uint8_t models_js[] = {
#embed "web/models.js"
};
static const uint8_t panel_js[] = {
#embed "web/panel.js"
};
static const uint8_t session_js[] = {
#embed "web/session.js"
};
static const uint8_t sidebar_js[] = {
#embed "web/sidebar.js"
};
static const uint8_t strength_js[] = {
#embed "web/strength.js"
};
static const uint8_t strings_js[] = {
#embed "web/strings.js"
};
static const uint8_t style_css[] = {
#embed "web/style.css"
};
static const uint8_t transport_js[] = {
#embed "web/transport.js"
};
static const uint8_t turn_js[] = {
#embed "web/turn.js"
};

static const uint8_t commands_js[] = {
#embed "web/commands.js"
};
static const uint8_t conversation_js[] = {
#embed "web/conversation.js"
};
static const uint8_t drafts_js[] = {
#embed "web/drafts.js"
};
static const uint8_t exporting_js[] = {
#embed "web/exporting.js"
};
static const uint8_t idle_js[] = {
#embed "web/idle.js"
};
static const uint8_t manner_js[] = {
#embed "web/manner.js"
};
static const uint8_t meter_js[] = {
#embed "web/meter.js"
};
static const uint8_t palette_js[] = {
#embed "web/palette.js"
};
static const uint8_t yours_js[] = {
#embed "web/yours.js"
};
static const cw_asset assets[] = {
    {"/", "text/html; charset=utf-8", index_html, sizeof index_html},
    {"/app.js", "text/javascript; charset=utf-8", app_js, sizeof app_js},
    {"/bytes.js", "text/javascript; charset=utf-8", bytes_js, sizeof bytes_js},
    {"/channel.js", "text/javascript; charset=utf-8", channel_js, sizeof channel_js},
    {"/chat.js", "text/javascript; charset=utf-8", chat_js, sizeof chat_js},
    {"/composer.js", "text/javascript; charset=utf-8", composer_js, sizeof composer_js},
    {"/commands.js", "text/javascript; charset=utf-8", commands_js, sizeof commands_js},
    {"/conversation.js", "text/javascript; charset=utf-8", conversation_js, sizeof conversation_js},
    {"/drafts.js", "text/javascript; charset=utf-8", drafts_js, sizeof drafts_js},
    {"/exporting.js", "text/javascript; charset=utf-8", exporting_js, sizeof exporting_js},
    {"/idle.js", "text/javascript; charset=utf-8", idle_js, sizeof idle_js},
    {"/manner.js", "text/javascript; charset=utf-8", manner_js, sizeof manner_js},
    {"/meter.js", "text/javascript; charset=utf-8", meter_js, sizeof meter_js},
    {"/palette.js", "text/javascript; charset=utf-8", palette_js, sizeof palette_js},
    {"/yours.js", "text/javascript; charset=utf-8", yours_js, sizeof yours_js},
    {"/dialog.js", "text/javascript; charset=utf-8", dialog_js, sizeof dialog_js},
    {"/dom.js", "text/javascript; charset=utf-8", dom_js, sizeof dom_js},
    {"/entry.js", "text/javascript; charset=utf-8", entry_js, sizeof entry_js},
    {"/explain.js", "text/javascript; charset=utf-8", explain_js, sizeof explain_js},
    {"/hpke.js", "text/javascript; charset=utf-8", hpke_js, sizeof hpke_js},
    {"/icon.svg", "image/svg+xml", icon_svg, sizeof icon_svg},
    {"/inline.js", "text/javascript; charset=utf-8", inline_js, sizeof inline_js},
    {"/markdown.js", "text/javascript; charset=utf-8", markdown_js, sizeof markdown_js},
    {"/models.js", "text/javascript; charset=utf-8", models_js, sizeof models_js},
    {"/panel.js", "text/javascript; charset=utf-8", panel_js, sizeof panel_js},
    {"/session.js", "text/javascript; charset=utf-8", session_js, sizeof session_js},
    {"/sidebar.js", "text/javascript; charset=utf-8", sidebar_js, sizeof sidebar_js},
    {"/strength.js", "text/javascript; charset=utf-8", strength_js, sizeof strength_js},
    {"/strings.js", "text/javascript; charset=utf-8", strings_js, sizeof strings_js},
    {"/style.css", "text/css; charset=utf-8", style_css, sizeof style_css},
    {"/transport.js", "text/javascript; charset=utf-8", transport_js, sizeof transport_js},
    {"/turn.js", "text/javascript; charset=utf-8", turn_js, sizeof turn_js},
};

const cw_asset *cw_assets(size_t *count) {
    *count = sizeof assets / sizeof assets[0];
    return assets;
}

// An error in words for people.

import { Refusal, Tampered, UntrustedNode } from "./channel.js";
import { S } from "./strings.js";

export function explain(error) {
    if (error instanceof Refusal) return error.message;
    if (error instanceof UntrustedNode) return S.untrusted;
    if (error instanceof Tampered) return S.tampered;
    if (error instanceof TypeError) return S.unreachable; // What fetch throws when nobody answers.
    return S.error + error.message;
}

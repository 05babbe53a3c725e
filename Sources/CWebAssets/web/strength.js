// An honest estimate of a passphrase: what guessing it would take, from its length and variety, without any list of words.

export function strength(text) {
    if ([...text].length < 8) return 0;
    const words = text.trim().split(/\s+/).filter((word) => word.length > 2);
    const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(text)).length;
    const distinct = new Set(text.toLowerCase()).size;
    // A random word is worth about 11 bits, a character of a mixed text about 3; what repeats is worth nothing.
    const bits = Math.max(new Set(words).size * 11, Math.min([...text].length, distinct * 2) * (1 + kinds * 0.6));
    return bits < 30 ? 1 : bits < 43 ? 2 : bits < 60 ? 3 : 4;
}

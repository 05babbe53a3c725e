// An honest estimate of a passphrase from its length and variety alone, without any list of words: 0 (too short) to 4 (strong).

const ROWS = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm";
const BITS = [30, 43, 60]; // Below: weak, fair, good. Each guess costs an attacker 128 MiB and a tenth of a second.

// Whether a character only goes on with what stands before it: a repetition, an alphabet, a row of keys.
const follows = (before, character) => before === character || ROWS.includes(before + character) || ROWS.includes(character + before);

export function strength(text) {
    const characters = [...text.toLowerCase()];
    if (characters.length < 8) return 0;
    const surprising = characters.filter((character, index) => index === 0 || !follows(characters[index - 1], character));
    const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9\s]/].filter((kind) => kind.test(text)).length;
    const variety = Math.min(surprising.length, new Set(characters).size * 2);
    // People choose: a character of theirs is worth about 2 bits, a little more in a mixed text; a further word of their own about 11.
    const words = new Set(text.toLowerCase().split(/\s+/).filter((word) => new Set(word).size > 2)).size;
    const bits = Math.max(variety * (1.4 + kinds * 0.5), Math.min(words * 11, variety * 3));
    return 1 + BITS.filter((limit) => bits >= limit).length;
}

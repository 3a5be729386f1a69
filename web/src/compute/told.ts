// Sentences of the service in another language, by a table from its own words: as its source has them, values in braces. Pure.

const HOLE = /\{[^{}]*\}/g;
/** A sentence with fewer letters of its own could be any: it counts only where its values are known, too, or single words. */
const WEAK = 12;

interface Compiled {
  pattern: RegExp;
  /** The longest of its own words, which a text has to have: they are found sooner than a pattern fails. */
  longest: string;
  /** The other language's words; `{1}` is the first value. */
  words: string;
  weight: number;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
const isWord = (text: string) => !text.includes(" ");
/** Single words, with commas between. */
const isList = (text: string) => text.split(", ").every(isWord);
// Braces that are meant as such are doubled in the source.
const plain = (text: string) => text.replaceAll("{{", "{").replaceAll("}}", "}");

function compiled([sentence, words]: [string, string]): Compiled {
  const marked = sentence.replaceAll("{{", "\u0001").replaceAll("}}", "\u0002"),
    parts = marked.split(HOLE).map(part => part.replaceAll("\u0001", "{{").replaceAll("\u0002", "}}"));
  // Words that themselves have `{ }` are no values.
  const isText = /\{ \}|\{"position"/.test(sentence) && !sentence.includes("{{");
  const own = isText ? [sentence] : parts.map(plain);
  return {
    longest: own.reduce((one, other) => (other.length > one.length ? other : one)),
    pattern: new RegExp(`^${own.map(escaped).join("([^]*?)")}$`, "u"),
    words,
    weight: own.join("").replace(/[^\p{L}]/gu, "").length,
  };
}

/** What says a sentence in the table's language: null where it does not know it. `value` says what stands in it. */
export function translator(
  table: Readonly<Record<string, string>>,
  value: (text: string) => string,
): (text: string) => string | null {
  const known = Object.entries(table)
    .map(compiled)
    .sort((one, other) => other.weight - one.weight);
  const strong = known.filter(({ weight }) => weight >= WEAK),
    weak = known.filter(({ weight }) => weight < WEAK);
  const bare = new Map(Object.entries(table).filter(([sentence]) => !sentence.includes("{")));
  const whole = (text: string, depth: number): string | null => {
    const one = firstOf(strong, text, depth);
    if (one !== null) return one;
    // One with its cause.
    const colon = text.indexOf(": "),
      head = colon > 0 ? bare.get(text.slice(0, colon)) : undefined;
    if (head !== undefined) return `${head}: ${whole(text.slice(colon + 2), depth) ?? text.slice(colon + 2)}`;
    // Several in one: each for itself, as long as any is known.
    return firstOf(weak, text, depth) ?? several(text, "; ", depth, () => true) ?? several(text, ", ", depth, isWord);
  };
  const firstOf = (some: readonly Compiled[], text: string, depth: number): string | null => {
    for (const { longest, pattern, words, weight } of some) {
      const found = text.includes(longest) ? pattern.exec(text) : null;
      if (!found) continue;
      const inner = found.slice(1).map(part => (depth ? whole(part, depth - 1) : null));
      const isSure = weight >= WEAK || found.slice(1).every((part, at) => inner[at] !== null || isList(part));
      if (!isSure) continue;
      return words.replace(/\{(\d)\}/g, (_, number: string) => inner[Number(number) - 1] ?? value(found[Number(number)] ?? ""));
    }
    return null;
  };
  const several = (text: string, between: string, depth: number, mayStay: (part: string) => boolean): string | null => {
    const parts = text.split(between);
    if (parts.length < 2) return null;
    const said = parts.map(part => whole(part, depth));
    const isKnown = said.some(part => part !== null) && parts.every((part, at) => said[at] !== null || mayStay(part));
    return isKnown ? parts.map((part, at) => said[at] ?? part).join(between) : null;
  };
  return text => whole(text, 3);
}

// Sentences of the service in another language, by a table from its own words: as its source has them, values in braces. Pure.

const HOLE = /\{[^{}]*\}/g;
/** A sentence with fewer letters of its own could be any: it counts only where its values are known, too, or single words. */
const WEAK = 12;

interface Compiled {
  pattern: RegExp;
  /** The other language's words; `{1}` is the first value. */
  words: string;
  weight: number;
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
// Braces that are meant as such are doubled in the source.
const plain = (text: string) => text.replaceAll("{{", "{").replaceAll("}}", "}");

function compiled([sentence, words]: [string, string]): Compiled {
  const marked = sentence.replaceAll("{{", "\u0001").replaceAll("}}", "\u0002"),
    parts = marked.split(HOLE).map(part => part.replaceAll("\u0001", "{{").replaceAll("\u0002", "}}"));
  // Words that themselves have `{ }` are no values.
  const isText = /\{ \}|\{"position"/.test(sentence) && !sentence.includes("{{");
  const own = isText ? [sentence] : parts.map(plain);
  return {
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
  const whole = (text: string, depth: number): string | null => {
    for (const { pattern, words, weight } of known) {
      const found = pattern.exec(text);
      if (!found) continue;
      const inner = found.slice(1).map(part => (depth ? whole(part, depth - 1) : null));
      const isSure = weight >= WEAK || found.slice(1).every((part, at) => inner[at] !== null || !part.includes(" "));
      if (!isSure) continue;
      return words.replace(/\{(\d)\}/g, (_, number: string) => inner[Number(number) - 1] ?? value(found[Number(number)] ?? ""));
    }
    // Several in one: each for itself, as long as any is known.
    const parts = text.split("; ");
    if (parts.length < 2) return null;
    const said = parts.map(part => whole(part, depth));
    return said.some(part => part !== null) ? parts.map((part, at) => said[at] ?? part).join("; ") : null;
  };
  return text => whole(text, 3);
}

// What the service says of itself, in the viewer's language: of its parts, of checks, of what it refused. The words come with the
// screens that show them.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { translator } from "../compute/told";
import { localeInUse, number } from "../text";
import { say } from "../view/sentences";

interface Words {
  sentence: (text: string) => string | null;
  codes: Readonly<Record<string, string>>;
}

const german = signal<Words | null>(null);

const isNumber = (text: string) => /^[−-]?\d+(\.\d+)?$/.test(text);
const value = (text: string) =>
  isNumber(text) && text.length < 12 ? number(Number(text.replace("−", "-")), text.split(".")[1]?.length ?? 0) : say(text);

async function load(): Promise<void> {
  const [{ checks }, { refusals, codes }] = await Promise.all([import("../text/de-checks"), import("../text/de-refusals")]);
  german.value = { sentence: translator({ ...checks, ...refusals }, value), codes };
}

/** What says a sentence of the service, and what says a word of its lists. What is not known stays as it is. */
export function useTold(): { told: (text: string) => string; word: (code: string) => string } {
  const isGerman = localeInUse().startsWith("de"),
    words = isGerman ? german.value : null;
  useEffect(() => {
    if (isGerman && !german.value) void load().catch(() => undefined);
  }, [isGerman]);
  return {
    told: text => words?.sentence(text) ?? say(text),
    word: code => words?.codes[code] ?? code.replaceAll("_", " "),
  };
}

// Which colours are in use, for what is drawn with them: the viewer's own choice, or else the system's, which may change meanwhile.
import { computed, signal } from "@preact/signals";
import { preference } from "./preferences";

/** What the style sheet asks of the system. */
const QUERIES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"].map(query => matchMedia(query));

const said = () => QUERIES.map(({ matches }) => Number(matches)).join("");
const system = signal(said());
for (const query of QUERIES) query.addEventListener("change", () => (system.value = said()));

/** Changes with the colours: whoever draws with them draws anew. */
export const colours = computed(() => `${preference("theme").value} ${system.value}`);

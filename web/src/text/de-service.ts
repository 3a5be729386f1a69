// Everything that the service says in sentences of its own, in German. It comes with the first of them that is shown.
import { checks } from "./de-checks";
import { door } from "./de-door";
import { models } from "./de-models";
import { problems } from "./de-problems";
import { codes, refusals } from "./de-refusals";

export { codes };

/** By the service's own words. */
export const tables: Readonly<Record<string, string>> = { ...checks, ...refusals, ...problems, ...models, ...door };

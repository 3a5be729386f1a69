// What the page asks of /api/v1.
import { t } from "../text";
import { toldOnce } from "../view/sentences";

/** An answer that says no. `status` is 0 where there was none. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly fields: Record<string, string> = {},
  ) {
    super(detail);
  }
}

interface Asked {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  file?: Blob;
  ifMatch?: string | null;
  signal?: AbortSignal;
  /** How long to wait for the answer, ms. */
  limit?: number;
}

interface ProblemBody {
  detail?: string;
  title?: string;
  errors?: { path: string; detail: string }[];
}

const ANSWER_MS = 20_000,
  UPLOAD_MS = 120_000;

async function answer(path: string, { method = "GET", body, file, ifMatch, signal, limit }: Asked): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["content-type"] = "application/json";
  if (file) headers["content-type"] = "application/octet-stream";
  if (ifMatch) headers["if-match"] = ifMatch;
  const timeout = AbortSignal.timeout(limit ?? (file ? UPLOAD_MS : ANSWER_MS));
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: file ?? (body === undefined ? null : JSON.stringify(body)),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, t().unreachable);
  }
  if (response.ok) return response;
  // Without an account, or with a session that has ended, only the way in is left.
  if (response.status === 401) location.assign("/sign-in");
  throw await refused(response);
}

async function refused(response: Response): Promise<Refused> {
  const text = await response.text().catch(() => "");
  let problem: ProblemBody = {};
  try {
    problem = JSON.parse(text) as ProblemBody;
  } catch {
    problem.detail = text.trim().slice(0, 300);
  }
  const { errors = [], detail, title } = problem,
    wrong = await Promise.all(errors.map(async ({ path, detail }) => [path, await toldOnce(detail)] as const));
  // Where fields are told in other words than the service's, so is the whole.
  const isTold = wrong.some(([, words], at) => words !== errors[at]!.detail);
  const whole = isTold
    ? wrong.map(([path, words]) => `${path}: ${words}`).join("; ")
    : await toldOnce(detail || title || `status ${response.status}`);
  return new Refused(response.status, whole, Object.fromEntries(wrong));
}

/** The answer's JSON; null where it has none. */
export async function ask<T>(path: string, asked: Asked = {}): Promise<T> {
  const response = await answer(path, asked);
  return (response.status === 204 ? null : await response.json()) as T;
}

/** The same with the answer's revision, which a change sends back. */
export async function askRevised<T>(path: string, asked: Asked = {}): Promise<{ value: T; revision: string | null }> {
  const response = await answer(path, asked);
  return { value: (await response.json()) as T, revision: response.headers.get("etag") };
}

/** A path's part that comes from elsewhere. */
export const part = encodeURIComponent;

/** A query's values; what is undefined is left out. */
export function query(values: Record<string, string | number | undefined>): string {
  const given = Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

// Who looks at the page, and what they may.
import { computed, signal } from "@preact/signals";
import { ask } from "../api/client";
import type { Session } from "../api/types";

export const session = signal<Session | null>(null);

export const mayChange = computed(() => session.value?.role === "operator" || session.value?.role === "admin");
export const isAdmin = computed(() => session.value?.role === "admin");
export const isGuest = computed(() => session.value?.role === "guest");

/** Asks who this is; whoever is nobody (any more) is led to the sign-in page. */
export async function greet(): Promise<void> {
  session.value = await ask<Session>("/session");
}

export function signIn(): void {
  location.assign("/sign-in");
}

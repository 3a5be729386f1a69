// How a device without an account gets in, as the service is set up. Pure.
import type { Pairing } from "../api/types";

/** `free`: on this machine it comes as it is. `door`: it waits while the door is open. */
export type Entry = "free" | "door" | "closed" | "elsewhere";

/** Devices on the network come by the door even where those on this machine come as they are. */
export function entryOf({ registration, network }: Pick<Pairing, "registration" | "network">): Entry {
  switch (registration) {
    case "open":
      return network ? "door" : "free";
    case "pairing":
      return "door";
    case "closed":
      return "closed";
    default:
      return "elsewhere";
  }
}

/** Whether there is a door to open. */
export const opens = (door: Pick<Pairing, "registration" | "network">): boolean => entryOf(door) === "door";

// Work that waits until somebody looks.

/** Does something after so many ms, or once the page is looked at again, if nobody does by then. Returns how to stop. */
export function afterSeen(work: () => void, wait: number): () => void {
  let stop = () => clearTimeout(timer);
  const timer = setTimeout(() => {
    if (!document.hidden) return work();
    const look = () => {
      if (document.hidden) return;
      stop();
      work();
    };
    stop = () => document.removeEventListener("visibilitychange", look);
    document.addEventListener("visibilitychange", look);
  }, wait);
  return () => stop();
}

/** Calls a function once its callers have been quiet for a while. */
export interface Debounced<Args extends unknown[]> {
  (...args: Args): void;
  cancel(): void;
  flush(): void;
  readonly pending: boolean;
}

export interface Clock {
  setTimeout(callback: () => void, milliseconds: number): number;
  clearTimeout(handle: number): void;
}

export function debounce<Args extends unknown[]>(
  callback: (...args: Args) => void,
  milliseconds: number,
  clock: Clock,
): Debounced<Args> {
  let handle: number | undefined;
  let lastArgs: Args | undefined;

  const run = (): void => {
    const args = lastArgs;
    handle = undefined;
    lastArgs = undefined;
    if (args !== undefined) {
      callback(...args);
    }
  };

  const debounced = (...args: Args): void => {
    if (handle !== undefined) {
      clock.clearTimeout(handle);
    }
    lastArgs = args;
    handle = clock.setTimeout(run, milliseconds);
  };

  return Object.defineProperties(debounced, {
    cancel: {
      value: (): void => {
        if (handle !== undefined) {
          clock.clearTimeout(handle);
        }
        handle = undefined;
        lastArgs = undefined;
      },
    },
    flush: { value: run },
    pending: { get: () => handle !== undefined },
  }) as Debounced<Args>;
}

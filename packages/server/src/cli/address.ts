/** Where `serve` listens, and the commands look for it, unless told otherwise. */
export const DEFAULT_PORT = 7420;
export const DEFAULT_ADDRESS: string = `http://127.0.0.1:${DEFAULT_PORT}`;

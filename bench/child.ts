import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { boundEnvironment, boundOptions } from "../packages/server/bin/bounds.mjs";

/** A program in a process of its own, with a heap and a clock of its own, that is asked one thing at a time. */
export interface Child<Request, Answer> {
  /** Rejects when the program throws, or ends before it answers. */
  ask(request: Request): Promise<Answer>;
  /** Ends the process and waits until it is gone. */
  stop(): Promise<void>;
}

interface ChildOptions {
  /** Options of Node itself, such as `--expose-gc`. */
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Not started as Entrain is, with bounds for its memory, but as Node starts any program. */
  readonly unbound?: boolean;
}

type Reply<Answer> = { readonly answer: Answer } | { readonly fault: string };

/** Starts a program that calls {@link answerParent}. */
export function startChild<Request extends object, Answer>(
  program: URL,
  options: ChildOptions = {},
): Child<Request, Answer> {
  const env = { ...process.env, ...options.env };
  const child = fork(fileURLToPath(program), {
    execArgv: [...(options.unbound ? (options.execArgv ?? []) : boundOptions(options.execArgv ?? [], env))],
    env: options.unbound ? env : boundEnvironment(env),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return {
    ask: async (request) => {
      const reply = replyOf<Answer>(child, program);
      child.send(request);
      const message = await reply;
      if ("fault" in message) throw new Error(message.fault);
      return message.answer;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}

function replyOf<Answer>(child: ChildProcess, program: URL): Promise<Reply<Answer>> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: unknown): void => {
      child.off("exit", onExit);
      resolve(message as Reply<Answer>);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      child.off("message", onMessage);
      reject(new Error(`${program.pathname} ended with ${signal ?? code} before it answered`));
    };
    child.once("message", onMessage);
    child.once("exit", onExit);
  });
}

/** In the child: answers what the parent asks, and ends with it. */
export function answerParent<Request, Answer>(answer: (request: Request) => Promise<Answer>): void {
  process.on("message", (request) => {
    answer(request as Request).then(
      (given) => process.send?.({ answer: given }),
      (error: unknown) =>
        process.send?.({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
}

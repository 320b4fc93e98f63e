export function boundEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export function boundOptions(options: readonly string[], environment: NodeJS.ProcessEnv): readonly string[];

export function withAllocator(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export function hasAllocator(environment: NodeJS.ProcessEnv): boolean;

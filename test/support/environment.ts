// The environment of a Node program of a test. It starts in half the CPU time with the code that an earlier start has compiled.
export const nodeEnvironment = { PATH: process.env.PATH ?? '', NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '' }

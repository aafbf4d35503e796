/** Where a server listens, as the beginning of a URL. An IPv6 address stands in brackets there. */
export const origin = (host: string, port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`

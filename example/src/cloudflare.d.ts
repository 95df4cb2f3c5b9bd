declare module 'cloudflare:workers' {
  export const env: import('./server/bindings.server').Bindings
}

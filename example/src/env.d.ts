interface ImportMetaEnv {
  readonly VITE_CONVEX_URL: string
}

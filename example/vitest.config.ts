import { defineConfig } from 'vitest/config'

// Apart from vite.config.ts: tests need neither the Worker's build nor workerd.
export default defineConfig({
  test: { include: ['tests/**/*.test.{ts,tsx}'], unstubEnvs: true },
})

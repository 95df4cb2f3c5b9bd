import { cloudflare } from '@cloudflare/vite-plugin'
import { tanstackStart } from '@tanstack/react-start/plugin/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, loadEnv } from 'vite'

export default defineConfig(({ command, mode }) => {
  // The backend's address is compiled into the page; without it the build would succeed and the page would not.
  const address = loadEnv(mode, process.cwd(), 'VITE_').VITE_CONVEX_URL ?? ''
  if (command === 'build' && !URL.canParse(address)) {
    throw new Error(`VITE_CONVEX_URL must be the address of a Convex deployment, not ${JSON.stringify(address)}`)
  }
  return {
    plugins: [
      cloudflare({ viteEnvironment: { name: 'ssr' }, inspectorPort: false, remoteBindings: false }),
      tanstackStart(),
      react(),
    ],
  }
})

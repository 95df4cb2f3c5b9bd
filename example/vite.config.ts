import { cloudflare } from '@cloudflare/vite-plugin'
import { tanstackStart } from '@tanstack/react-start/plugin/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, loadEnv, type Plugin } from 'vite'

/**
 * Start writes the absolute path of every route file into the Worker. Made relative, so that the same sources give the
 * same Worker, and the same file names, in every checkout.
 */
function relativePaths(): Plugin {
  let prefix = ''
  const shorten = (text: string) => text.replaceAll(prefix, '')
  return {
    name: 'relative-paths',
    apply: 'build',
    configResolved: ({ root }) => {
      prefix = `${root}/`
    },
    renderChunk: (code) => (code.includes(prefix) ? { code: shorten(code), map: null } : null),
    generateBundle: {
      order: 'post',
      handler: (_, bundle) => {
        for (const file of Object.values(bundle)) {
          const text = file.type === 'asset' && /\.map$|manifest\.json$/.test(file.fileName)
          if (text && typeof file.source === 'string') file.source = shorten(file.source)
        }
      },
    },
  }
}

export default defineConfig(({ command, mode }) => {
  // The backend's address is compiled into the page; without it the build would succeed and the page would not.
  const address = loadEnv(mode, process.cwd(), 'VITE_').VITE_CONVEX_URL ?? ''
  if (command === 'build' && !URL.canParse(address)) {
    throw new Error(
      `VITE_CONVEX_URL must be the address of a Convex deployment, not ${JSON.stringify(address)}`,
    )
  }
  return {
    plugins: [
      cloudflare({ viteEnvironment: { name: 'ssr' }, inspectorPort: false, remoteBindings: false }),
      tanstackStart(),
      react(),
      relativePaths(),
    ],
  }
})

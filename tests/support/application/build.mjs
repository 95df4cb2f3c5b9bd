// A build like any other: reads the backend's address, leaves a Worker and its assets in dist/.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

const url = process.env.VITE_CONVEX_URL
if (!url) throw new Error('VITE_CONVEX_URL is not set')
rmSync('dist', { recursive: true, force: true })
mkdirSync('dist/server', { recursive: true })
cpSync('public', 'dist/client', { recursive: true })
const worker = readFileSync('worker.js', 'utf8').replaceAll('__CONVEX_URL__', url)
writeFileSync('dist/server/index.js', worker)

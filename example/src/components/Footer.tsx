import { useConvexConnectionState } from 'convex/react'
import { useEffect, useState } from 'react'

interface Release {
  commit: string
  digest: string
  environment: string
}

function isRelease(value: unknown): value is Release {
  if (typeof value !== 'object' || value === null) return false
  return ['commit', 'digest', 'environment'].every(
    (name) => name in value && typeof Reflect.get(value, name) === 'string',
  )
}

/** The deployer puts release.json beside the assets. A local build has none, and that is all right. */
function useRelease(): Release | null {
  const [release, setRelease] = useState<Release | null>(null)
  useEffect(() => {
    const gone = new AbortController()
    fetch('/release.json', { signal: gone.signal })
      .then((answer) => (answer.ok ? answer.json() : null))
      .then((value: unknown) => setRelease(isRelease(value) ? value : null))
      .catch(() => undefined)
    return () => gone.abort()
  }, [])
  return release
}

export function Footer() {
  const release = useRelease()
  const { isWebSocketConnected } = useConvexConnectionState()
  const [started, setStarted] = useState(false)
  useEffect(() => setStarted(true), [])
  const live = started && isWebSocketConnected
  return (
    <footer className="footer">
      <span className={live ? 'live on' : 'live'}>{live ? 'Live' : 'Connecting'}</span>
      {release !== null && (
        <a href="/release.json" title={`commit ${release.commit}`}>
          {release.environment} <code>{release.digest.slice(0, 12)}</code>
        </a>
      )}
    </footer>
  )
}

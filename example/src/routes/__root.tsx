import { createRootRoute, HeadContent, Outlet, Scripts } from '@tanstack/react-router'
import { ConvexProvider, ConvexReactClient } from 'convex/react'
import { type ReactNode, useState } from 'react'
import { CONVEX_URL } from '../convex'
import styles from '../styles.css?url'

export const Route = createRootRoute({
  head: () => ({
    meta: [
      { charSet: 'utf-8' },
      { name: 'viewport', content: 'width=device-width, initial-scale=1' },
      { name: 'color-scheme', content: 'light dark' },
      { name: 'description', content: 'How is everybody? Post a vibe and watch the others arrive.' },
      { title: 'vibechecc' },
    ],
    links: [
      { rel: 'stylesheet', href: styles },
      { rel: 'icon', href: '/favicon.svg', type: 'image/svg+xml' },
    ],
  }),
  shellComponent: Document,
  component: App,
  notFoundComponent: NotFound,
})

function Document({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <head>
        <HeadContent />
      </head>
      <body>
        {children}
        <Scripts />
      </body>
    </html>
  )
}

function App() {
  // Connects only once something subscribes, so rendering on the Worker opens nothing.
  const [client] = useState(() => new ConvexReactClient(CONVEX_URL))
  return (
    <ConvexProvider client={client}>
      <Outlet />
    </ConvexProvider>
  )
}

function NotFound() {
  return (
    <main className="notice">
      <h1>Nothing here</h1>
      <p>
        <a href="/">Back to the vibes</a>
      </p>
    </main>
  )
}

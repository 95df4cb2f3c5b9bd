import { createFileRoute, type ErrorComponentProps } from '@tanstack/react-router'
import { useQuery } from 'convex/react'
import { api } from '../../convex/_generated/api'
import { Composer } from '../components/Composer'
import { Feed } from '../components/Feed'
import { Footer } from '../components/Footer'
import { Header } from '../components/Header'
import { MoodMeter } from '../components/MoodMeter'
import { loadFeed, loadVisitor } from '../page'

export const Route = createFileRoute('/')({
  loader: async () => {
    const [visitor, feed] = await Promise.all([loadVisitor(), loadFeed()])
    return { visitor, feed }
  },
  head: ({ loaderData }) => {
    const site = loaderData?.visitor.site
    return site ? { links: [{ rel: 'canonical', href: new URL('/', site).href }] } : {}
  },
  component: Page,
  errorComponent: Trouble,
})

function Page() {
  const { visitor, feed } = Route.useLoaderData()
  // Until the subscription answers, the first paint's data stands.
  const vibes = useQuery(api.vibes.recent, {}) ?? feed.vibes
  const summary = useQuery(api.stats.summary, {}) ?? feed.summary
  return (
    <div className="page">
      <Header visitor={visitor} />
      <main>
        <Composer visitor={visitor} />
        <MoodMeter summary={summary} />
        <Feed vibes={vibes} author={visitor.author} renderedAt={feed.now} />
      </main>
      <Footer />
    </div>
  )
}

function Trouble({ reset }: ErrorComponentProps) {
  return (
    <main className="notice">
      <h1>Something is off</h1>
      <p>The page could not be put together. It is not your fault.</p>
      <button type="button" onClick={reset}>
        Try again
      </button>
    </main>
  )
}

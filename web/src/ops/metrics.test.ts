import { expect, test } from 'vitest'
import { parseMetrics, quantile, total } from './metrics'

const text = `# HELP lag Time.
# TYPE lag histogram
lag_bucket{instance="local-1",stage="enqueue",le="0.01"} 20
lag_bucket{instance="local-1",stage="enqueue",le="0.1"} 40
lag_bucket{instance="local-1",stage="enqueue",le="+Inf"} 50
lag_bucket{instance="local-2",stage="enqueue",le="0.01"} 30
lag_bucket{instance="local-2",stage="enqueue",le="0.1"} 50
lag_bucket{instance="local-2",stage="enqueue",le="+Inf"} 50
lag_bucket{stage="receive",le="0.01"} 0
lag_bucket{stage="receive",le="+Inf"} 0
lag_sum{stage="enqueue"} 4.2
connections{instance="local-1"} 7
connections{instance="local-2"} 3
odd{a="x\\"y",b="} 1"} 1.5e+06
`
const all = parseMetrics(text)

test('Parse', () => {
  expect(total(all, 'connections')).toBe(10)
  expect(total(all, 'missing')).toBeUndefined()
  expect(all.find((m) => m.name === 'odd')).toEqual({ name: 'odd', labels: { a: 'x\\"y', b: '} 1' }, value: 1.5e6 })
})

test('Quantile', () => {
  const of = (share: number, stage = 'enqueue') => quantile(all, 'lag', { stage }, share)
  expect(of(0.25)).toBeCloseTo(0.005)
  expect(of(0.5)).toBeCloseTo(0.01)
  expect(of(0.7)).toBeCloseTo(0.055)
  expect(of(0.99)).toBeCloseTo(0.1)
  expect(of(0.5, 'receive')).toBeUndefined()
})

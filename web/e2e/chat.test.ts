import { describe, expect } from 'vitest'
import { Person, test, texts, until, write } from './harness'

// What people do with each other in a chat, each in a browser of their own.

describe('Two people', () => {
  // Alice begins a chat with Bob, who has the app open elsewhere in it; they write to each other.
  test('WriteToEachOther', async ({ browser, service, alice, bob }) => {
    const [a, b] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const [pa, pb] = await Promise.all([a.enter(alice.name), b.enter(bob.name)])
    await pa.getByRole('button', { name: 'New chat' }).first().click()
    await pa.getByRole('dialog').getByRole('searchbox').fill(bob.name)
    await pa.getByRole('button', { name: `@${bob.name}` }).click()
    await pa.waitForURL('**/c/*')

    await write(pa, 'Hello Bob')
    await pb.getByRole('link', { name: /Hello Bob/ }).click()
    await pb.getByText('The beginning of your chat').waitFor()
    // He has read it, and she sees that.
    await pa.locator('.message.mine .meta', { hasText: 'Read' }).waitFor()
    // She sees him write, until he has written.
    await pb.getByRole('textbox', { name: 'Message' }).pressSequentially('Hi')
    await pa.locator('.composer-status', { hasText: `${bob.name} is writing…` }).waitFor()
    await pb.keyboard.press('Enter')
    await pa.locator('.bubble', { hasText: 'Hi' }).waitFor()
    expect(await pa.locator('.composer-status').textContent()).toBe('')

    // Nothing is new to who looks on.
    expect(await pa.locator('.new-line').count()).toBe(0)

    for (let i = 0; i < 20; i++) await write(i % 2 ? pa : pb, `line ${i}`)
    const want = ['Hello Bob', 'Hi']
    for (let i = 0; i < 20; i++) want.push(`line ${i}`)
    await until('both have all', async () => [pa, pb].every(async (p) => (await texts(p)).length === want.length))
    await pa.locator('.bubble', { hasText: 'line 18' }).waitFor()
    await pb.locator('.bubble', { hasText: 'line 19' }).waitFor()
    // Each line was written when the one before was on the writer's page, not on the reader's: the order is the log's.
    expect((await texts(pa)).toSorted()).toEqual(want.toSorted())
    await until('both show the same', async () => JSON.stringify(await texts(pa)) === JSON.stringify(await texts(pb)))
    expect([...a.mistakes, ...b.mistakes]).toEqual([])
  })

  // A message is on its author's page before the service has heard of it, and stays the same row when it has.
  test('OwnMessagesAtOnce', async ({ browser, service, alice, bob }) => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    const page = await a.enter(alice.name, `/c/${chat}`)
    await page.getByText('The beginning of your chat').waitFor()
    let held: (() => void) | undefined
    await page.route('**/messages', async (route) => {
      if (route.request().method() === 'POST') {
        await new Promise<void>((resolve) => {
          held = resolve
        })
      }
      await route.continue()
    })
    await write(page, 'patience')
    const row = page.locator('.message', { hasText: 'patience' })
    await row.getByText('Sending…').waitFor()
    const element = await row.elementHandle()
    await until('the request is held', () => held)
    held!()
    await row.getByText('Sent').waitFor()
    expect(await row.count()).toBe(1)
    expect(await row.evaluate((now, before) => now === before, element)).toBe(true)
  })

  // A refused message stays, with the reason and a way on.
  test('ErrRefused', async ({ browser, service, alice, bob }) => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    const page = await a.enter(alice.name, `/c/${chat}`)
    let refuse = true
    await page.route('**/messages', async (route) => {
      if (route.request().method() !== 'POST' || !refuse) return route.continue()
      await route.fulfill({
        status: 413,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          code: 'entry_too_large',
          title: 'Too large',
          detail: 'This is more than one event can carry.',
        }),
      })
    })
    await write(page, 'refused at first')
    await page.getByText('Not sent. This is more than one event can carry.').waitFor()
    refuse = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.message', { hasText: 'refused at first' }).getByText('Sent', { exact: true }).waitFor()
    expect(await texts(page)).toEqual(['refused at first'])
  })
})

describe('A group', () => {
  // Made, filled, renamed, handed over, left and deleted, while another member looks on.
  test('FromBeginningToEnd', async ({ browser, service, alice, bob, carol }) => {
    const [a, b] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const [pa, pb] = await Promise.all([a.enter(alice.name), b.enter(bob.name)])
    await pa.getByRole('button', { name: 'New chat' }).first().click()
    await pa.getByRole('button', { name: 'New group' }).click()
    await pa.getByLabel('Name of the group').fill('Readers')
    await pa.getByRole('dialog').getByRole('searchbox').fill(bob.name)
    await pa.getByRole('button', { name: `@${bob.name}` }).click()
    await pa.getByRole('button', { name: 'Create group' }).click()
    await pa.getByRole('heading', { name: 'Readers' }).waitFor()
    await pb.getByRole('link', { name: /Readers/ }).click()
    await pb.getByText('2 members').waitFor()

    await pa.getByRole('button', { name: 'Manage group' }).click()
    await pa.getByLabel('Name', { exact: true }).fill('Writers')
    await pa.getByRole('button', { name: 'Rename' }).click()
    await pb.getByRole('heading', { name: 'Writers' }).waitFor()
    await pa.getByRole('button', { name: 'Add people' }).click()
    await pa.getByRole('dialog').getByRole('searchbox').fill(carol.name)
    await pa.getByRole('button', { name: `@${carol.name}` }).click()
    await pa.getByRole('button', { name: 'Add', exact: true }).click()
    await pb.getByText('3 members').waitFor()
    await pa.getByRole('button', { name: `More for ${carol.name}` }).click()
    await pa.getByRole('menuitem', { name: 'Remove from group' }).click()
    await pa.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await pb.getByText('2 members').waitFor()
    await pa.getByText(`@${carol.name}`).waitFor({ state: 'detached' })

    await pa.getByRole('button', { name: `More for ${bob.name}` }).click()
    await pa.getByRole('menuitem', { name: 'Make owner' }).click()
    await pa.getByRole('alertdialog').getByRole('button', { name: 'Hand over' }).click()
    await pa.getByRole('button', { name: 'Delete for all' }).waitFor({ state: 'detached' })
    await pa.getByRole('button', { name: 'Leave' }).click()
    await pa.getByRole('alertdialog').getByRole('button', { name: 'Leave' }).click()
    await pa.getByText('This chat isn’t here').waitFor()
    await pb.getByText('1 member', { exact: true }).waitFor()
    await pb.getByRole('button', { name: 'Manage group' }).click()
    await pb.getByRole('button', { name: 'Delete for all' }).click()
    await pb.getByRole('alertdialog').getByRole('button', { name: 'Delete for all' }).click()
    await pb.getByText('This chat isn’t here').waitFor()
    expect([...a.mistakes, ...b.mistakes]).toEqual([])
  })
})

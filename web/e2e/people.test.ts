import { describe, expect } from 'vitest'
import { live, Person, test } from './harness'

// Who somebody is, and whose friend.

describe('Friends', () => {
  test('AskAcceptEnd', async ({ browser, service, alice, bob }) => {
    const [a, b] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const [pa, pb] = await Promise.all([a.enter(alice.name, '/people'), b.enter(bob.name, '/people')])
    await pa.locator('main').getByRole('searchbox').fill(bob.name)
    await pa.getByRole('button', { name: `Ask ${bob.name} to be friends` }).click()
    await pa.getByRole('button', { name: `Withdraw the request to ${bob.name}` }).waitFor()
    await pb.getByRole('button', { name: `Accept ${alice.name}` }).click()
    await pb.getByRole('region', { name: 'Friends · 1' }).waitFor()
    await pa.locator('main').getByText('Friend', { exact: true }).waitFor()
    await pa.getByRole('button', { name: 'Notifications, 1 unread' }).click()
    await pa.getByText('is your friend now').waitFor()
    await pa.getByRole('button', { name: 'Mark all read' }).click()
    await pa.getByRole('button', { name: 'Notifications', exact: true }).waitFor()
    await pa.keyboard.press('Escape')
    await pb.getByRole('button', { name: `More for ${alice.name}` }).click()
    await pb.getByRole('menuitem', { name: 'End friendship' }).click()
    await pb.getByRole('alertdialog').getByRole('button', { name: 'End friendship' }).click()
    await pb.getByText('No friends yet').waitFor()
    await pa.getByRole('button', { name: `Ask ${bob.name} to be friends` }).waitFor()
    expect([...a.mistakes, ...b.mistakes]).toEqual([])
  })
})

describe('A session', () => {
  test('RegisterAndLogOut', async ({ browser, service, alice }) => {
    const a = await Person.at(browser, service)
    const page = await a.tab('/people')
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByLabel('Username').fill(alice.name)
    await page.getByLabel('Name (if you like)').fill('Somebody New')
    await page.getByLabel('Password').fill('correct horse')
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByText('This name is taken. Try another one.').waitFor()
    await page.getByLabel('Username').fill(`${alice.name}-new`)
    await page.getByRole('button', { name: 'Register' }).click()
    await live(page)
    expect(new URL(page.url()).pathname).toBe('/people') // where one wanted to go
    await page.getByRole('button', { name: 'Account of Somebody New' }).click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByText('You are logged out.').waitFor()
    await page.reload()
    await page.getByLabel('Username').waitFor()
    expect(a.mistakes).toEqual([])
  })
})

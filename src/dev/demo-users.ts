// The users of the sandbox: alice has a rich account, bob a small one. carol has none, so she is not here.
import type { components } from '../../generated/api.ts'

type Task = components['schemas']['Task']
type Category = components['schemas']['Category']
type Calendar = components['schemas']['Calendar']
type Webhook = components['schemas']['Webhook']
/** `daysAgo` is the age of the task, from which `createdAt` follows. A row with `deletedDaysAgo` is in the trash. */
type DemoTask = Partial<Omit<Task, 'id' | 'title' | 'completed'>> & { id?: string; title: string; daysAgo: number; deletedDaysAgo?: number }

export type DemoUser = {
  id: string
  email: string
  name: string
  timeZone: string | null
  categories: (Pick<Category, 'id' | 'name' | 'color' | 'position'> & { deletedDaysAgo?: number })[]
  /** `token` is the secret in the link. */
  calendars: (Pick<Calendar, 'id' | 'name' | 'kind' | 'categoryIds' | 'labels'> & { token: string })[]
  /** All are disabled, so that the sandbox sends nothing to them. */
  webhooks: (Pick<Webhook, 'id' | 'url' | 'kinds'> & { secret: string })[]
  tasks: DemoTask[]
}

// The ids of the examples in the spec, so that requests with the ids of the mock work here too.
const travel = '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01'
const home = '019c5a20-7b10-7d22-9c3e-2b4d6f8a0c02'
const work = '019c5a20-8c20-7e33-8d4f-3c5e7a9b1d03'
const reading = '019c5a20-9d30-7f44-9e50-4d6f8bac2e04'
const ferry = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const plants = '019c5a20-ff01-7a3b-8c5d-7e9f1a2b3c13'
const garage = '019c5a20-ef10-7066-9b72-6f8badce4006'
const kitchen = '019c5a20-f200-7a77-9c83-7a9cbedf7007'
const summer = '019c5a20-ee00-7f55-8a61-5e7a9cbd3f05'
const plans = '019c5a21-5e6f-7b12-9c34-8d5e6f7a0c08'
const hook = '019c5a21-7a8b-7d34-8e56-9f7a8b9c0d0a'
export const feedToken = 'YWxpY2U.c2FtcGxlLXNlY3JldC1vZi0yNTYtcmFuZG9tLWJpdHM'
const packing = '019c5a21-1a2b-7c88-8d90-7a9cbedf5007'

const long = [
  'What the house needs before winter, room by room.',
  ...[
    'Kitchen: the tap drips, the left hinge is loose.',
    'Bath: new silicone around the tub.',
    'Attic: look for the draught; insulate the hatch.',
  ],
  'Ask Jukka whether he still has the long ladder. The roof can wait until spring if the two tiles above the porch hold.',
].join('\n\n')

/** The users with dates relative to `today` (YYYY-MM-DD). */
export function demoUsers(today: string): DemoUser[] {
  const day = (offset: number) => new Date(Date.parse(today) + offset * 86_400_000).toISOString().slice(0, 10)
  const at = (offset: number, time: string) => `${day(offset)}T${time}:00Z`
  const before = (minutesBefore: number) => ({ at: null, minutesBefore })

  return [
    {
      id: 'alice',
      email: 'alice@example.com',
      name: 'Alice',
      timeZone: 'Europe/Helsinki',
      categories: [
        { id: travel, name: 'Travel', color: '#1971c2', position: 1 },
        { id: home, name: 'Home', color: null, position: 2 },
        { id: work, name: 'Work', color: '#e03131', position: 3 },
        { id: reading, name: 'قراءة', color: '#2f9e44', position: 4 },
        { id: garage, name: 'Garage', color: '#868e96', position: 5, deletedDaysAgo: 4 },
      ],
      calendars: [{ id: plans, name: 'Travel', kind: 'todo', categoryIds: [travel], labels: null, token: feedToken }],
      webhooks: [{ id: hook, url: 'https://example.com/hook', kinds: ['task', 'reminder'], secret: `whsec_${'A'.repeat(43)}=` }],
      tasks: [
        {
          id: ferry,
          title: 'Book the ferry to Tallinn',
          description: 'Two adults and a bicycle; the evening ferry is cheaper.',
          priority: 'high',
          categoryId: travel,
          startDate: day(1),
          dueDate: day(9),
          dueTime: '18:30',
          deadlineDate: day(12),
          durationMinutes: 20,
          timeZone: 'Europe/Helsinki',
          labels: ['travel', 'tickets'],
          reminders: [before(60), { at: at(5, '08:00'), minutesBefore: null }],
          daysAgo: 3,
        },
        { id: plants, title: 'Water the plants', categoryId: home, completedAt: at(-1, '07:02'), daysAgo: 4 },
        { title: 'Renew the passport', priority: 'high', categoryId: travel, dueDate: day(-12), labels: ['papers'], daysAgo: 60 },
        { title: 'Return the library books', priority: 'medium', categoryId: reading, dueDate: day(-3), labels: ['books'], daysAgo: 30 },
        { title: 'Pay the electricity bill', priority: 'high', categoryId: home, dueDate: day(-1), labels: ['money'], daysAgo: 14 },
        {
          title: 'Call the dentist',
          priority: 'medium',
          dueDate: day(0),
          dueTime: '09:00',
          timeZone: 'Europe/Helsinki',
          labels: ['health'],
          daysAgo: 2,
        },
        {
          title: 'Send the quarterly report',
          description: 'Numbers are in the shared folder; Minna checks them.',
          priority: 'high',
          categoryId: work,
          dueDate: day(0),
          dueTime: '16:00',
          timeZone: 'Europe/Helsinki',
          labels: ['report', 'numbers'],
          reminders: [before(24 * 60), before(30)],
          daysAgo: 7,
        },
        { title: 'Buy cinnamon buns 🥐☕️', priority: 'low', dueDate: day(0), labels: ['shopping', '🛒'], daysAgo: 0 },
        {
          title: 'Prepare the workshop',
          priority: 'medium',
          categoryId: work,
          dueDate: day(1),
          durationMinutes: 90,
          labels: ['workshop'],
          reminders: [before(0)],
          daysAgo: 5,
        },
        {
          title: 'اقرأ الفصل الثالث',
          description: 'من الصفحة ٤٥ إلى الصفحة ٧٢',
          priority: 'low',
          categoryId: reading,
          dueDate: day(2),
          labels: ['كتب'],
          daysAgo: 6,
        },
        { title: 'לקנות מתנה לדוד', priority: 'medium', dueDate: day(4), labels: ['shopping', 'משפחה'], daysAgo: 1 },
        { title: '家族の写真を整理する 👨‍👩‍👧‍👦', categoryId: home, labels: ['写真'], daysAgo: 20 },
        {
          title: 'Repair the house before winter',
          description: long,
          priority: 'medium',
          categoryId: home,
          startDate: day(20),
          dueDate: day(45),
          deadlineDate: day(60),
          durationMinutes: 2_400,
          labels: ['house', 'winter'],
          daysAgo: 25,
        },
        {
          title:
            'Compare train and bus to Tartu, also with a night in Tallinn, luggage, and a seat by the window for Grandmother who does not like to sit backwards',
          categoryId: travel,
          dueDate: day(30),
          labels: ['travel'],
          daysAgo: 8,
        },
        { title: 'Learn twenty words of Estonian', priority: 'low', categoryId: travel, labels: ['travel', 'language'], daysAgo: 15 },
        { title: 'Write to Émile', dueDate: day(14), labels: ['friends'], daysAgo: 11 },
        { title: 'Clean the bicycle', priority: 'low', categoryId: home, labels: ['bicycle'], daysAgo: 40 },
        { title: 'Plan the budget of next year', priority: 'medium', categoryId: work, dueDate: day(90), labels: ['numbers'], daysAgo: 12 },
        { title: 'Read “The Summer Book”', categoryId: reading, labels: ['books'], daysAgo: 80 },
        {
          title: 'Visit the eye doctor',
          categoryId: null,
          completedAt: at(-6, '12:15'),
          dueDate: day(-6),
          dueTime: '14:00',
          timeZone: 'Europe/Helsinki',
          labels: ['health'],
          daysAgo: 35,
        },
        {
          title: 'Hand in the tax form',
          priority: 'high',
          completedAt: at(-20, '19:40'),
          dueDate: day(-18),
          labels: ['papers', 'money'],
          daysAgo: 50,
        },
        {
          title: 'Review Minna’s draft',
          priority: 'medium',
          categoryId: work,
          completedAt: at(-2, '10:05'),
          labels: ['report'],
          daysAgo: 9,
        },
        { title: 'Oil the door 🚪', priority: 'low', categoryId: home, completedAt: at(-10, '16:30'), daysAgo: 21 },
        {
          id: kitchen,
          title: 'Clean the kitchen',
          categoryId: home,
          dueDate: day(3),
          dueTime: '17:00',
          recurrence: { rule: 'FREQ=WEEKLY', from: 'due' },
          daysAgo: 13,
        },
        ...['Wipe the shelves', 'Empty the fridge'].map((title, i) => ({
          ...{ title, categoryId: home, parentId: kitchen, depth: 1, daysAgo: 12 },
          completedAt: i === 0 ? at(-1, '15:10') : null,
        })),
        { title: 'Change the winter tyres', priority: 'medium', categoryId: home, dueDate: day(20), labels: ['winter'], daysAgo: 1 },
        { id: packing, title: 'Pack for Tallinn', categoryId: travel, dueDate: day(8), labels: ['travel'], daysAgo: 3 },
        // Created from the top down, and then put in the order of the keys.
        ...Object.entries({
          'Wash the rain jacket': 'a2',
          'Find the passports': 'a0',
          'Charge the bicycle lights': 'a1V',
          'Ask for a bag': 'a1',
        }).map(([title, sortKey]) => ({ title, sortKey, categoryId: travel, parentId: packing, depth: 1, daysAgo: 2 })),
        { id: summer, title: 'Plan the summer', categoryId: travel, labels: ['travel'], daysAgo: 32, deletedDaysAgo: 2 },
        ...['Ask for the weeks off', 'Compare cottages by a lake', 'Find someone for the plants'].map(title => ({
          ...{ title, categoryId: travel, parentId: summer, depth: 1, daysAgo: 31, deletedDaysAgo: 2 },
        })),
        { title: 'Buy a wreath', priority: 'low', dueDate: day(-40), labels: ['shopping'], daysAgo: 55, deletedDaysAgo: 27 },
      ],
    },
    {
      id: 'bob',
      email: 'bob@example.com',
      name: 'Bob',
      timeZone: null,
      categories: [{ id: '019c5a22-1000-7000-8000-00000000b001', name: 'Garden', color: '#2f9e44', position: 0 }],
      calendars: [],
      webhooks: [],
      tasks: [
        { title: 'Rake the leaves', categoryId: '019c5a22-1000-7000-8000-00000000b001', dueDate: day(1), daysAgo: 1 },
        { title: 'Ask Alice about the ferry', priority: 'low', daysAgo: 2 },
        { title: 'Fix the fence', completedAt: at(-1, '15:00'), daysAgo: 10 },
        { title: 'Borrow the ladder', daysAgo: 6, deletedDaysAgo: 5 },
      ],
    },
  ]
}

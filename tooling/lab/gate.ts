/** What of the laboratory the gates run: commands for the steps of `npm test` and `npm run test:slow`. */
import { fromSource, type Step } from '../steps.js'

const lab = (...args: string[]): string[] => fromSource('tooling/lab/main.ts', ...args, '--json')

/** Together at most 45 s on two cores. */
export const QUICK_LAB: readonly Step[] = [
  { name: 'lab swarm, 20 seeds', command: lab('swarm', '--seeds', '1..20', '--minutes', '0.5') },
  {
    name: 'lab determinism, short',
    command: lab('determinism', '--seed', '1', '--nodes', '4', '--minutes', '0.3', '--distinct', '3'),
  },
  { name: 'lab meet', command: lab('meet', '--seeds', '1..2') },
  { name: 'lab pairs', command: lab('pairs', '--seeds', '1..4', '--rounds', '25') },
  { name: 'lab requests', command: lab('requests', '--seeds', '1..2', '--minutes', '0.5') },
  { name: 'lab presence', command: lab('presence', '--seeds', '1..2', '--nodes', '4') },
]

/** All parts, each in a few seconds. */
const SHORT_CONNECTIONS = '--pairs 100 --offs 4 --connects 1000 --stalled 3 --rate 300 --cases 200'.split(' ')

/** Together at most 3 minutes on two cores. Those of one seed stand together, so that they run side by side. */
export const SLOW_LAB: readonly Step[] = [
  { name: 'lab swarm, 16 other seeds, longer', command: lab('swarm', '--seeds', '1001..1016') },
  {
    name: 'lab meet, bad Wi-Fi',
    command: lab('meet', '--seeds', '11..14', '--nodes', '40', '--multicast-loss', '0.3'),
  },
  { name: 'lab pairs, with loss', command: lab('pairs', '--seeds', '11..18', '--loss', '0.05') },
  { name: 'lab requests, with loss', command: lab('requests', '--seeds', '11..16', '--loss', '0.1') },
  {
    name: 'lab endpoint-flood, short',
    command: lab('endpoint-flood', '--seed', '23', '--peers', '10', '--rate', '20000', '--seconds', '4'),
  },
  { name: 'lab connections, short', command: lab('connections', '--seed', '24', ...SHORT_CONNECTIONS) },
  {
    name: 'lab connections, dials with loss',
    command: lab('connections', '--seed', '25', '--parts', 'c1', '--pairs', '200', '--loss', '0.05'),
  },
  { name: 'lab presence, with loss', command: lab('presence', '--seeds', '11..14', '--loss', '0.02') },
  { name: 'lab determinism', beside: true, command: lab('determinism', '--seed', '2', '--minutes', '0.5') },
  { name: 'lab endpoint-restart', beside: true, command: lab('endpoint-restart', '--seed', '21', '--rounds', '20') },
  {
    name: 'lab endpoint-soak',
    beside: true,
    command: lab('endpoint-soak', '--seed', '22', '--nodes', '20', '--hours', '6'),
  },
  {
    name: 'lab kad-loss, short',
    beside: true,
    command: lab('kad-loss', '--seed', '27', '--nodes', '40', '--lookups', '60'),
  },
  {
    name: 'lab kad-attack, short',
    beside: true,
    command: lab(
      'kad-attack',
      '--seed',
      '26',
      '--nodes',
      '30',
      '--values',
      '10',
      '--gets',
      '30',
      '--stores',
      '500',
      '--spoofed',
      '30',
    ),
  },
  { name: 'lab kad-directory, short', beside: true, command: lab('kad-directory', '--seed', '29', '--nodes', '40') },
  {
    name: 'lab gossip, short, with loss',
    beside: true,
    command: lab('gossip', '--seed', '30', '--nodes', '30', '--rumors', '10', '--loss', '0.2'),
  },
  {
    name: 'lab gossip, large bodies',
    beside: true,
    command: lab('gossip', '--seed', '31', '--nodes', '24', '--rumors', '5', '--bodies', 'large'),
  },
  {
    name: 'lab gossip-partition, short',
    beside: true,
    command: lab('gossip-partition', '--seed', '32', '--nodes', '20', '--rumors', '20', '--split', '20'),
  },
  {
    name: 'lab search, short',
    beside: true,
    command: lab('search', '--seed', '33', '--nodes', '30', '--searches', '3'),
  },
  {
    name: 'lab membership, short',
    beside: true,
    command: lab('membership', '--seed', '31', '--nodes', '10', '--victims', '3'),
  },
  {
    name: 'lab membership-false, short',
    beside: true,
    command: lab('membership-false', '--seed', '32', '--hours', '0.5'),
  },
  {
    name: 'lab membership-stall, short',
    beside: true,
    command: lab('membership-stall', '--seed', '33', '--nodes', '10', '--minutes', '2'),
  },
  {
    name: 'lab membership-leave, short',
    beside: true,
    command: lab('membership-leave', '--seed', '34', '--nodes', '30', '--leavers', '3'),
  },
  {
    name: 'lab membership-udp-blocked, short',
    beside: true,
    command: lab('membership-udp-blocked', '--seed', '35', '--nodes', '10', '--minutes', '1'),
  },
]

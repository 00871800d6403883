// SPDX-License-Identifier: GPL-2.0-only
'use strict';
'require view';
'require rpc';
'require poll';
'require ui';

/* What nft-offload -j prints comes through the ubus object of rpcd's plugin. Without an answer
 * LuCI gives what is expected here in its place. */
const unanswered = { '': { error: _('rpcd does not answer, or does not allow it. After an installation: service rpcd restart.') } };
const callStatus = rpc.declare({ object: 'luci.nft-offload', method: 'status', expect: unanswered });
const callFlows = rpc.declare({ object: 'luci.nft-offload', method: 'flows', expect: unanswered });
const callCheck = rpc.declare({ object: 'luci.nft-offload', method: 'check', expect: unanswered });
const callFlush = rpc.declare({ object: 'luci.nft-offload', method: 'flush', expect: unanswered });

const providers = {
	ours: _('nf_flow_offload'),
	mainline: _("the kernel's own modules"),
	none: _('nobody')
};

function bytes(n) {
	const units = [ 'B', 'KiB', 'MiB', 'GiB', 'TiB' ];
	let i = 0;

	for (; n >= 1024 && i < units.length - 1; i++)
		n /= 1024;
	return '%s %s'.format(i ? n.toFixed(1) : String(n), units[i]);
}

function endpoint(addr, port) {
	return (addr.indexOf(':') < 0 ? '%s:%d' : '[%s]:%d').format(addr, port);
}

/* A table of strings; an empty one says so. */
function table(id, heads, rows, empty) {
	const t = E('table', { 'class': 'table', 'id': id }, [
		E('tr', { 'class': 'tr table-titles' }, heads.map(h => E('th', { 'class': 'th' }, [ h ])))
	]);

	for (const row of rows)
		t.appendChild(E('tr', { 'class': 'tr' }, row.map(cell => E('td', { 'class': 'td' }, [ String(cell) ]))));
	if (!rows.length)
		t.appendChild(E('tr', { 'class': 'tr placeholder' }, [ E('td', { 'class': 'td' }, [ empty ]) ]));
	return t;
}

function section(title, content) {
	return E('div', { 'class': 'cbi-section' }, [ E('h3', {}, [ title ]), content ]);
}

function summary(status) {
	const rows = [
		[ _('Flowtables are served by'), providers[status.provider] || status.provider ],
		[ _('Module'), status.module.loaded ? status.module.version : _('not loaded') ]
	];

	if (status.counters) {
		rows.push([ _('Flows'), status.counters.flows ]);
		rows.push([ _('Connections offloaded so far'), status.counters.added ]);
	}
	for (const state in status.states || {})
		rows.push([ _('Flows in state %s').format(state), status.states[state] ]);
	if (status.advice)
		rows.push([ _('What to do'), status.advice ]);
	return table('nfo-summary', [ '', '' ], rows, '');
}

function devices(status) {
	return table('nfo-devices', [ _('Device'), _('Flowtable'), _('Hardware'), _('Why not'), _("Driver's words") ],
		(status.devices || []).map(d => [ d.dev, '%s %s %s'.format(d.family, d.table, d.flowtable), d.hw,
			d.reason == 'none' ? '' : d.reason, d.message || '' ]),
		_('No flowtable lists a device.'));
}

function reasons(status) {
	const counts = Object.entries(status.reasons || {}).filter(r => r[1] > 0).sort((a, b) => b[1] - a[1]);

	return table('nfo-reasons', [ _('Reason'), _('Times') ], counts,
		_('Nothing has kept a packet in the slow path.'));
}

function flows(list) {
	if (list.error)
		return E('p', { 'class': 'alert-message warning', 'id': 'nfo-flows' }, [ list.error ]);
	return table('nfo-flows', [ _('Protocol'), _('From'), _('To'), _('State'), _('Out'), _('Back'), _('Devices') ],
		list.flows.map(f => [ f.l4proto, endpoint(f.original.src, f.original.sport),
			endpoint(f.original.dst, f.original.dport), f.state, bytes(f.original.bytes),
			bytes(f.reply.bytes), '%s %s'.format(f.original.iif, f.original.oif) ]),
		_('No connection is offloaded now.'));
}

function checks(check) {
	if (check.error)
		return E('p', { 'class': 'alert-message warning', 'id': 'nfo-checks' }, [ check.error ]);
	return table('nfo-checks', [ _('Result'), _('Subject'), _('Finding'), _('Remedy') ],
		check.checks.filter(c => c.result != 'ok').map(c => [ c.result, c.subject, c.text, c.remedy ]),
		_('Everything is as it should be.'));
}

return view.extend({
	load: function() {
		return Promise.all([ callStatus(), callFlows(), callCheck() ]);
	},

	body: function(data) {
		const status = data[0];

		if (status.error)
			return [ E('p', { 'class': 'alert-message warning', 'id': 'nfo-error' }, [ status.error ]) ];
		return [
			section(_('State'), summary(status)),
			section(_('Devices'), devices(status)),
			section(_('Findings'), checks(data[2])),
			section(_('Busiest flows'), flows(data[1])),
			section(_('Why packets stayed in the slow path'), reasons(status))
		];
	},

	render: function(data) {
		const body = E('div', { 'id': 'nfo-body' }, this.body(data));
		const flush = E('button', { 'class': 'btn cbi-button cbi-button-action', 'id': 'nfo-flush',
			'disabled': L.hasViewPermission() ? null : true,
			'click': ui.createHandlerFn(this, () => callFlush().then(answer => {
				if (answer.error)
					ui.addNotification(null, E('p', {}, [ answer.error ]), 'warning');
				return this.refresh(body);
			})) }, [ _('Hand all flows back') ]);

		poll.add(() => this.refresh(body), 5);
		return E('div', {}, [ E('h2', {}, [ _('Flow offload') ]), body, flush ]);
	},

	/* What check finds changes with the configuration; it is asked when the page opens. */
	refresh: function(body) {
		return Promise.all([ callStatus(), callFlows() ]).then(data => {
			if (data[0].error || !body.querySelector('#nfo-checks'))
				return;
			for (const made of [ summary(data[0]), devices(data[0]), flows(data[1]), reasons(data[0]) ]) {
				const old = body.querySelector('#' + made.id);

				old.parentNode.replaceChild(made, old);
			}
		});
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});

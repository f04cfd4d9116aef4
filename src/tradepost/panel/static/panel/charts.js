// The charts of the overview, in the colours of the page.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const source = document.getElementById("charts");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const probe = document.createElement("i");
  document.body.append(probe);

  function colour(token, alpha = 1) {
    probe.style.color = `color-mix(in srgb, var(--${token}) ${alpha * 100}%, transparent)`;
    return getComputedStyle(probe).color;
  }

  const tones = {
    Pending: "waiting",
    Processing: "moving",
    "In progress": "moving",
    Completed: "good",
    Partial: "part",
    Canceled: "bad",
    Active: "moving",
    Paused: "part",
    Expired: "waiting",
  };
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  function draw() {
    Chart.defaults.font.family = "Inter, system-ui, sans-serif";
    Chart.defaults.color = colour("soft");
    Chart.defaults.borderColor = colour("line");
    Chart.defaults.animation = calm ? false : { duration: 500 };
    Chart.defaults.maintainAspectRatio = false;
    byDay();
    byStatus();
    byService();
  }

  function chart(id, config) {
    const canvas = document.getElementById(id);
    Chart.getChart(canvas)?.destroy();
    new Chart(canvas, config);
  }

  function byDay() {
    const short = new Intl.DateTimeFormat(document.documentElement.lang, {
      day: "numeric",
      month: "short",
      timeZone: "UTC",
    });
    chart("by-day", {
      data: {
        labels: data.days.map((day) => short.format(new Date(day))),
        datasets: [
          {
            type: "line",
            label: `${data.labels.spent}, ${data.labels.currency}`,
            data: data.spent,
            yAxisID: "y",
            borderColor: colour("brand"),
            backgroundColor: colour("brand", 0.14),
            fill: true,
            tension: 0.35,
            borderWidth: 2,
            pointRadius: 0,
            pointHitRadius: 12,
          },
          {
            type: "bar",
            label: data.labels.orders,
            data: data.orders,
            yAxisID: "orders",
            backgroundColor: colour("moving", 0.35),
            borderRadius: 4,
            maxBarThickness: 14,
          },
        ],
      },
      options: {
        interaction: { mode: "index", intersect: false },
        plugins: {
          legend: { align: "end", labels: { boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 3 } },
        },
        scales: {
          x: { grid: { display: false }, ticks: { maxTicksLimit: 8, maxRotation: 0 } },
          y: { beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 5 } },
          orders: {
            beginAtZero: true,
            position: "right",
            grid: { display: false },
            border: { display: false },
            ticks: { precision: 0, maxTicksLimit: 5 },
          },
        },
      },
    });
  }

  function byStatus() {
    chart("by-status", {
      type: "doughnut",
      data: {
        labels: data.statuses.map((each) => each.name),
        datasets: [
          {
            data: data.statuses.map((each) => each.count),
            backgroundColor: data.statuses.map((each) => colour(tones[each.status] ?? "soft", 0.85)),
            borderWidth: 0,
            spacing: 2,
            borderRadius: 4,
          },
        ],
      },
      options: {
        cutout: "68%",
        plugins: {
          legend: {
            position: "bottom",
            labels: { boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 3 },
          },
        },
      },
    });
  }

  function byService() {
    chart("by-service", {
      type: "bar",
      data: {
        labels: data.services.map((each) => (each.name.length > 26 ? `${each.name.slice(0, 25)}…` : each.name)),
        datasets: [
          {
            label: data.labels.currency,
            data: data.services.map((each) => each.spent),
            backgroundColor: colour("brand", 0.75),
            borderRadius: 5,
            maxBarThickness: 18,
          },
        ],
      },
      options: {
        indexAxis: "y",
        plugins: { legend: { display: false } },
        scales: {
          x: { beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 4 } },
          y: { grid: { display: false } },
        },
      },
    });
  }

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
});
